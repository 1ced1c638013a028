//! What must be true of each connection.

use alloc::vec::Vec;

use super::{Flaw, Hub, ensure};
use crate::{
    Authentication, ConnId, Name, Payload, TimeoutReason,
    conn::{Answer, Conn, Cursor, Membership, State, Wakefulness},
    topic::TopicName,
};

impl<P: Payload> Hub<P> {
    /// States, memberships and deadlines fit together, and whoever has something to read has been,
    /// or will be, told.
    pub(super) fn check_conns(&self) -> Result<(), Flaw> {
        let mut generations = Vec::new();
        for (id, conn) in self.conns.iter() {
            if let State::Open { .. } = conn.state {
                generations.push(conn.generation);
            }
            self.check_state(conn)?;
            self.check_replies(conn)?;
            self.check_cursors(id, conn)?;
            self.check_wakefulness(id, conn)?;
        }
        generations.sort_unstable();
        ensure(generations.is_sorted_by(|a, b| a < b), "two logins with one number")
    }

    fn check_state(&self, conn: &Conn) -> Result<(), Flaw> {
        let is_checked = self.config.authentication == Authentication::Checked;
        let deadline = match &conn.state {
            State::Login => {
                ensure(!is_checked, "a login where there should be a credential")?;
                TimeoutReason::Login
            }
            State::Credential => {
                ensure(is_checked, "a credential where none is wanted")?;
                TimeoutReason::Login
            }
            State::Checking { ticket } => {
                ensure(is_checked, "a credential where none is wanted")?;
                ensure((1..=self.checks).contains(ticket), "a check that was not asked for")?;
                ensure(conn.replies.len() < self.config.max_replies, "no room for a verdict")?;
                TimeoutReason::Login
            }
            State::Open { .. } => {
                let generation = (1..=self.events).contains(&conn.generation);
                ensure(generation, "a login without an event")?;
                ensure(conn.watch.fits(&self.config), "a watch that nobody keeps")?;
                let past = conn.since <= self.now && conn.watch.heard() <= self.now;
                ensure(past, "something that is yet to come has been heard")?;
                let awaited = conn.timer == conn.watch.next();
                return ensure(awaited, "a deadline that nobody waits for");
            }
            State::Closing { .. } => TimeoutReason::Close,
            State::Closed => {
                let read = conn.replies.is_empty() && conn.cursors.is_empty();
                ensure(read, "something to read after the last frame")?;
                TimeoutReason::Close
            }
        };
        ensure(!conn.watch.ping, "only open connections are pinged")?;
        let awaited = conn.timer.is_some_and(|(_, why)| why == deadline);
        ensure(awaited, "all but open connections have a deadline")
    }

    fn check_replies(&self, conn: &Conn) -> Result<(), Flaw> {
        let numbers = conn.replies.iter().map(|reply| reply.seq);
        let in_order = numbers.clone().is_sorted_by(|a, b| a < b);
        ensure(in_order && numbers.max() <= Some(self.seq), "replies that are not in order")?;
        // The names in problems may be an embedder's: they are only told back.
        let is_name = |name: &str| ensure(Name::new(name).is_ok(), "a login with a bad name");
        for reply in &conn.replies {
            if let Answer::LoggedIn(name) = &reply.answer {
                is_name(name)?;
            }
        }
        Ok(())
    }

    fn check_cursors(&self, id: ConnId, conn: &Conn) -> Result<(), Flaw> {
        let mut joined = Vec::new();
        for cursor in &conn.cursors {
            let topic = self.topics.get(cursor.topic).ok_or("a cursor in no topic")?;
            match cursor.membership {
                Membership::Member { index } => {
                    let is_member = topic.members().get(index) == Some(&id);
                    ensure(is_member, "members and cursors disagree")?;
                    ensure(cursor.next <= topic.end(), "a cursor is past its end")?;
                    let kept = cursor.next == topic.end() || topic.first() < topic.end();
                    ensure(kept, "the last message is gone and was not read")?;
                    joined.push(cursor.topic);
                }
                Membership::Left { until } => {
                    ensure(cursor.next < until, "a cursor outlived its messages")?;
                    ensure(until <= topic.end(), "a cursor is past its end")?;
                }
            }
        }
        joined.sort_unstable();
        ensure(joined.is_sorted_by(|a, b| a < b), "a member twice")?;
        match &conn.state {
            State::Login | State::Credential | State::Checking { .. } => {
                ensure(conn.cursors.is_empty(), "a reader that was never logged in")
            }
            State::Open { user } => self.check_places(&conn.cursors, *user),
            State::Closing { .. } | State::Closed => {
                ensure(joined.is_empty(), "a member that is not logged in")
            }
        }
    }

    /// An open connection is in everybody and its own uid, and then in groups.
    fn check_places(&self, cursors: &[Cursor], user: crate::topic::TopicId) -> Result<(), Flaw> {
        let is_member = |cursor: &Cursor| matches!(cursor.membership, Membership::Member { .. });
        let [everyone, own, groups @ ..] = cursors else {
            return Err("an open connection that is not in everybody and its uid");
        };
        let first = everyone.topic == self.everyone && own.topic == user;
        ensure(first && is_member(everyone) && is_member(own), "not in everybody and its uid")?;
        let name = |cursor: &Cursor| self.topics.get(cursor.topic).map(|topic| &topic.name);
        ensure(matches!(name(own), Some(TopicName::User(_))), "a uid that is none")?;
        let is_group = |cursor: &Cursor| matches!(name(cursor), Some(TopicName::Group(_)));
        ensure(groups.iter().all(is_group), "a group that is none")
    }

    fn check_wakefulness(&self, id: ConnId, conn: &Conn) -> Result<(), Flaw> {
        let due = conn.wake == Wakefulness::Due;
        ensure(!due || conn.queued, "a wake-up that will not come")?;
        let overtaken = self.is_overtaken(id);
        if conn.wake != Wakefulness::Idle && !overtaken {
            return Ok(());
        }
        if !overtaken {
            ensure(conn.replies.is_empty(), "a reply without a wake-up")?;
            ensure(!conn.watch.ping, "a ping without a wake-up")?;
            let closes = matches!(conn.state, State::Closing { .. });
            ensure(!closes, "a close without a wake-up")?;
        }
        for cursor in &conn.cursors {
            let topic = &self.topics[cursor.topic];
            match cursor.membership {
                Membership::Member { index } => {
                    let behind = cursor.next < topic.end();
                    let waits = if overtaken { cursor.next < topic.first() } else { behind };
                    ensure(!waits || topic.will_visit(index), "a message without a wake-up")?;
                }
                Membership::Left { .. } => {
                    ensure(overtaken, "a rest to read without a wake-up")?;
                }
            }
        }
        Ok(())
    }
}
