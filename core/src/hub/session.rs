//! The life of a connection: from connecting, over login and takeover, to its end.

use alloc::{collections::VecDeque, sync::Arc};
use core::time::Duration;

use smallvec::SmallVec;

use super::{Hub, wake::Wake};
use crate::{
    Authentication, CloseReason, ConnId, DuplicateUid, Event, Fault, Login, Name, Output, Payload,
    Problem, Refused, Stage, TimeoutReason,
    addresses::Address,
    conn::{Answer, Conn, Membership, State},
    marks::Mark,
    shutdown::Shutdown,
    time::Instant,
    timers::Timer,
    topic::TopicId,
};

/// Timers that one [`Input::Timeout`](crate::Input::Timeout) looks at.
const TIMERS_PER_CALL: usize = 1024;

/// Connections of a shutdown that one closes.
const CLOSES_PER_CALL: usize = 1024;

/// What becomes of messages that a closing connection has not read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unread {
    /// It may read them before its close frame.
    Deliver,
    /// It would not read them anyway.
    Discard,
}

impl<P: Payload> Hub<P> {
    pub(super) fn open(&mut self, address: Option<Address>) -> Result<ConnId, Refused> {
        let refused = if self.shutdown.is_some() {
            Some(Refused::ShuttingDown)
        } else if self.conns.len() >= self.config.max_connections {
            Some(Refused::Full)
        } else if address.is_some_and(|address| !self.has_room_for(address)) {
            Some(Refused::TooManyFromAddress)
        } else {
            None
        };
        if let Some(refused) = refused {
            self.stats.refused += 1;
            return Err(refused);
        }
        let conn = self.conns.insert(Conn::new(match self.config.authentication {
            Authentication::Open => State::Login,
            Authentication::Checked => State::Credential,
        }));
        if conn.is_in_used_slot() {
            self.mark(Mark::SlotReused);
        }
        if let Some(address) = address {
            self.set_address(conn, address);
        }
        self.set_timer(conn, self.now + self.config.login_timeout, TimeoutReason::Login);
        Ok(conn)
    }

    pub(super) fn log_in(&mut self, conn: ConnId, name: Name<'_>) {
        let known = self.find_user(name);
        let is_online = known.is_some_and(|user| !self.topics[user].members().is_empty());
        if is_online && self.config.duplicate_uid == DuplicateUid::Reject {
            let taken = Problem::UidTaken(name.as_str().into());
            return self.reply(conn, Answer::Problem(taken));
        }
        if self.shutdown.is_some() {
            self.mark(Mark::LoginDuringShutdown);
        }
        let user = known.unwrap_or_else(|| self.add_user(name));
        self.subscribe(conn, self.everyone);
        self.subscribe(conn, user);
        let uid = self.uid_of(user);
        if !is_online {
            self.online.insert(Arc::clone(&uid), user);
        }
        self.conns[conn].state = State::Open { user };
        self.start_watch(conn);
        if self.config.duplicate_uid == DuplicateUid::Replace {
            self.close_others(conn, user);
        }
        // After the events of those whose place it takes: whoever goes by the last event of a uid is
        // right.
        let seq = self.next_event();
        self.conns[conn].generation = seq;
        self.conns[conn].since = self.now;
        let login = Login { uid: Arc::clone(&uid), generation: seq };
        self.outputs.push_back(Output::Event(Event::LoggedIn { seq, conn, login }));
        self.reply(conn, Answer::LoggedIn(uid));
    }

    fn close_others(&mut self, conn: ConnId, user: TopicId) {
        let other = |&member: &ConnId| member != conn;
        while let Some(older) = self.topics[user].members().iter().copied().find(other) {
            self.close(older, CloseReason::Replaced, Unread::Deliver);
        }
    }

    pub(super) fn fault(&mut self, conn: ConnId, fault: Fault) {
        self.close(conn, CloseReason::Fault(fault), Unread::Deliver);
    }

    pub(super) fn peer_closed(&mut self, conn: ConnId) {
        self.close(conn, CloseReason::PeerClosed, Unread::Discard);
    }

    pub(super) fn close_unread(&mut self, conn: ConnId) {
        self.close(conn, CloseReason::RepliesUnread, Unread::Discard);
    }

    pub(super) fn close_too_slow(&mut self, conn: ConnId) {
        self.close(conn, CloseReason::TooSlow, Unread::Discard);
    }

    pub(super) fn close_too_many(&mut self, conn: ConnId) {
        self.close(conn, CloseReason::TooManyFromAddress, Unread::Deliver);
    }

    pub(super) fn close_too_fast(&mut self, conn: ConnId) {
        self.close(conn, CloseReason::TooFast, Unread::Deliver);
    }

    pub(super) fn close_kicked(&mut self, conn: ConnId, why: CloseReason) {
        self.close(conn, why, Unread::Deliver);
    }

    pub(super) fn close_silent(&mut self, conn: ConnId) {
        self.close(conn, CloseReason::Silent, Unread::Discard);
    }

    pub(super) fn disconnected(&mut self, conn: ConnId) {
        self.close(conn, CloseReason::Disconnected, Unread::Discard);
        self.forget(conn);
    }

    pub(super) fn timeout(&mut self) {
        self.expire();
        self.shut_down_due();
    }

    fn expire(&mut self) {
        for _ in 0..TIMERS_PER_CALL {
            let Some(timer) = self.timers.pop_due(self.now) else {
                return;
            };
            if !self.conns.get(timer.conn).is_some_and(|conn| conn.has_timer(&timer)) {
                self.mark(Mark::StaleTimer);
                continue;
            }
            match timer.why {
                TimeoutReason::Login => {
                    self.close(timer.conn, CloseReason::LoginTimeout, Unread::Deliver);
                }
                TimeoutReason::Close => {
                    self.mark(Mark::DroppedUnclosed);
                    self.forget(timer.conn);
                    self.outputs.push_back(Output::Drop { conn: timer.conn });
                }
                TimeoutReason::Ping | TimeoutReason::Pong => self.look_for_life(timer.conn),
                TimeoutReason::Stall => self.look_for_progress(timer.conn),
                // No connection has this one.
                TimeoutReason::Shutdown => {}
            }
        }
    }

    pub(super) fn shut_down(&mut self, over: Duration) {
        let is_second = self.shutdown.is_some();
        let begins = match &mut self.shutdown {
            Some(shutdown) => shutdown.shorten(self.now, over),
            None => {
                self.shutdown = Some(Shutdown::new(self.now, over, self.conns.keys()));
                true
            }
        };
        if begins && is_second {
            self.mark(Mark::EarlierShutdown);
        }
        if begins && over.is_zero() {
            self.wakes.push_back(Wake::Shutdown);
        }
    }

    /// Closes the next connection of a shutdown. Returns whether there may be another.
    pub(super) fn shut_down_next(&mut self) -> bool {
        let Some(conn) = self.shutdown.as_mut().and_then(Shutdown::pop) else {
            return false;
        };
        if self.conns.contains_key(conn) {
            self.close(conn, CloseReason::Shutdown, Unread::Deliver);
        }
        true
    }

    /// Closes those whose moment in a shutdown has come.
    fn shut_down_due(&mut self) {
        for _ in 0..CLOSES_PER_CALL {
            let next = self.shutdown.as_ref().and_then(Shutdown::next);
            if next.is_none_or(|at| at > self.now) {
                return;
            }
            self.shut_down_next();
        }
    }

    /// Takes a connection out of all routing and lets it read its way to the close frame.
    fn close(&mut self, conn: ConnId, reason: CloseReason, unread: Unread) {
        let Some(closing) = self.conns.get_mut(conn) else {
            self.stats.stale += 1;
            return;
        };
        let user = match closing.state {
            State::Login | State::Credential | State::Checking { .. } => None,
            State::Open { user } => Some(user),
            State::Closing { .. } | State::Closed => return,
        };
        closing.state = State::Closing { reason: reason.clone() };
        closing.watch.ping = false;
        let generation = closing.generation;
        let login = user.map(|user| Login { uid: self.uid_of(user), generation });
        for topic in self.memberships(conn) {
            self.unsubscribe(conn, topic);
        }
        if let (Some(user), Some(login)) = (user, &login)
            && self.topics.get(user).is_none_or(|user| user.members().is_empty())
        {
            self.online.remove(&login.uid);
        }
        self.stats.closed.count(&reason);
        if unread == Unread::Discard {
            self.discard_unread(conn);
        }
        self.set_timer(conn, self.now + self.config.close_timeout, TimeoutReason::Close);
        // Outputs close connections too, and the next deadline must be true after those.
        self.prune_timers();
        self.wake(conn);
        let seq = self.next_event();
        self.outputs.push_back(Output::Event(Event::Closed { seq, conn, login, reason }));
    }

    fn next_event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    fn memberships(&self, conn: ConnId) -> SmallVec<[TopicId; 2]> {
        let cursors = self.conns[conn].cursors.iter();
        let members = cursors.filter(|c| matches!(c.membership, Membership::Member { .. }));
        members.map(|cursor| cursor.topic).collect()
    }

    /// Removes every trace of a connection that is closing.
    fn forget(&mut self, conn: ConnId) {
        if self.conns.contains_key(conn) {
            self.discard_unread(conn);
            self.release_address(conn);
            self.conns.remove(conn);
        }
    }

    fn discard_unread(&mut self, conn: ConnId) {
        self.conns[conn].replies = VecDeque::new();
        while let Some(cursor) = self.conns[conn].cursors.pop() {
            self.release(cursor);
        }
    }

    pub(super) fn set_timer(&mut self, conn: ConnId, at: Instant, why: TimeoutReason) {
        self.conns[conn].timer = Some((at, why));
        self.timers.set(Timer { at, conn, why });
    }

    pub(super) fn prune_timers(&mut self) {
        let conns = &self.conns;
        let counts = |timer: &Timer| conns.get(timer.conn).is_some_and(|c| c.has_timer(timer));
        self.timers.prune(conns.len(), counts);
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.prune(|conn| {
                conns.get(conn).is_some_and(|conn| Stage::from(&conn.state) != Stage::Closing)
            });
        }
    }
}
