//! What the hub should do, said as plainly as possible.

mod drain;
mod follow;
mod limits;
mod outside;
mod rules;
mod signs;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};
use switchboard_core::{
    Authentication, CloseReason, Config, ConnId, Deadline, DuplicateUid, Event, Frame, Input,
    Instant, Login, Output, Payload, Problem, Refused, Request, RingLimit, SlowReader, Stage,
    Stats, Target, Ticket, TimeoutReason, Verdict,
};

use drain::Drain;
use limits::{Debt, Excess, Place};
use signs::Sign;

/// A payload that can be told from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// No two messages have the same.
    pub id: u32,
    /// What it counts against a ring's limit.
    pub size: usize,
}

impl Payload for Message {
    fn size(&self) -> usize {
        self.size
    }
}

/// The reference model. It takes the same inputs as the hub, and says what has to come of them.
///
/// Two things it leaves to the hub, within limits: when, while outputs are polled, a slow reader or
/// a connection at shutdown is closed, see [`follow_close`](Self::follow_close); and when
/// [`Output::Ready`] is said, which the check judges by [`has_to_read`](Self::has_to_read).
#[derive(Clone)]
pub struct Model {
    config: Config,
    now: Instant,
    seq: u64,
    conns: BTreeMap<ConnId, Conn>,
    /// The messages that each topic keeps, oldest first.
    kept: BTreeMap<Topic, Vec<Kept>>,
    /// Of the login attempts from each place.
    logins: BTreeMap<Place, Debt>,
    stays: u64,
    drain: Option<Drain>,
    outputs: VecDeque<Said>,
    attempts: u64,
    tickets: BTreeMap<Ticket, (ConnId, u64)>,
    events: u64,
    /// Why connections were closed.
    closed: Vec<CloseReason>,
    /// The counters only; the current figures are counted when asked for.
    stats: Stats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Everyone,
    User(&'static str),
    Group(&'static str),
}

#[derive(Clone)]
struct Kept {
    seq: u64,
    posted: Instant,
    size: usize,
    unread_by: BTreeSet<ConnId>,
}

#[derive(Clone)]
struct Conn {
    life: Life,
    /// The number of its login, and when that was.
    login: (u64, Instant),
    deadlines: BTreeMap<TimeoutReason, Instant>,
    /// What it did since its login that shows whether it is alive.
    signs: Vec<Sign>,
    /// Where it comes from, if that is known.
    place: Option<Place>,
    /// Of its messages, and of its bytes.
    debts: [Debt; 2],
    /// The topics that it is in, each with the number of this stay: to come back to a group is
    /// another stay, and what is left to read of an earlier one counts by itself.
    stays: BTreeMap<Topic, u64>,
    /// All that it has yet to read, in the hub's order, without limit.
    unread: Vec<Unread>,
}

#[derive(Clone, PartialEq, Eq)]
enum Life {
    Login,
    Credential,
    /// With the number of the attempt.
    Checking(u64),
    Open(&'static str),
    Closing(CloseReason),
    Closed,
}

#[derive(Clone)]
enum Said {
    Event(Event),
    Drop(ConnId),
    Check { conn: ConnId, attempt: u64, credential: Message },
}

#[derive(Clone)]
enum Unread {
    Ping,
    Reply(Frame<Message>),
    Message { topic: Topic, stay: u64, seq: u64, message: Message },
}

impl Unread {
    fn stay(&self) -> Option<u64> {
        match self {
            Self::Ping | Self::Reply(_) => None,
            Self::Message { stay, .. } => Some(*stay),
        }
    }
}

impl Model {
    /// The model of an empty hub.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            config,
            now,
            seq: 0,
            conns: BTreeMap::new(),
            kept: BTreeMap::new(),
            logins: BTreeMap::new(),
            stays: 0,
            drain: None,
            outputs: VecDeque::new(),
            attempts: 0,
            tickets: BTreeMap::new(),
            events: 0,
            closed: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// Why the next connection has to be refused, if it has to be.
    pub fn refusal(&self, address: Option<IpAddr>) -> Option<Refused> {
        if self.drain.is_some() {
            Some(Refused::ShuttingDown)
        } else if self.conns.len() >= self.config.max_connections {
            Some(Refused::Full)
        } else {
            let crowded = address.is_some_and(|address| self.is_crowded(Place::from(address)));
            crowded.then_some(Refused::TooManyFromAddress)
        }
    }

    /// Somebody connected, and the hub gave it this id, or refused it.
    pub fn connect(&mut self, now: Instant, id: Option<ConnId>, address: Option<IpAddr>) {
        self.now = self.now.max(now);
        let Some(id) = id else {
            self.stats.refused += 1;
            return;
        };
        let conn = Conn {
            life: match self.config.authentication {
                Authentication::Open => Life::Login,
                Authentication::Checked => Life::Credential,
            },
            login: (0, self.now),
            deadlines: [(TimeoutReason::Login, self.now + self.config.login_timeout)].into(),
            signs: Vec::new(),
            place: address.map(Place::from),
            debts: [Debt::default(); 2],
            stays: BTreeMap::new(),
            unread: Vec::new(),
        };
        self.conns.insert(id, conn);
    }

    /// Takes any input but [`Input::Connect`], which does not tell the id that it leads to.
    pub fn handle(&mut self, now: Instant, input: Input<'static, Message>) {
        self.now = self.now.max(now);
        let concerns = match &input {
            Input::Request { conn, .. }
            | Input::Heard { conn, .. }
            | Input::Address { conn, .. }
            | Input::Called { conn }
            | Input::Fault { conn, .. }
            | Input::PeerClosed { conn }
            | Input::Disconnected { conn } => Some(*conn),
            Input::Connect { .. }
            | Input::Verdict { .. }
            | Input::Push { .. }
            | Input::Kick { .. }
            | Input::Timeout
            | Input::Shutdown { .. } => None,
        };
        if concerns.is_some_and(|conn| !self.conns.contains_key(&conn)) {
            self.stats.stale += 1;
            return;
        }
        match input {
            Input::Connect { .. } => unreachable!("it does not tell the id"),
            Input::Request { conn, request, size } => {
                self.hear(conn);
                self.request(conn, request, size);
            }
            Input::Heard { conn, size } => {
                self.hear(conn);
                if let (Excess::Far, _) = self.charge(conn, size) {
                    self.close(conn, CloseReason::TooFast);
                }
            }
            Input::Verdict { ticket, verdict } => self.verdict(ticket, verdict),
            Input::Address { conn, address } => self.come_from(conn, address.into()),
            Input::Called { conn } => self.called(conn),
            Input::Push { to, payload } => drop(self.push(now, to, payload)),
            Input::Kick { uid, kick } => drop(self.kick(now, uid.as_str(), &kick)),
            Input::Fault { conn, fault } => self.close(conn, CloseReason::Fault(fault)),
            Input::PeerClosed { conn } => self.close(conn, CloseReason::PeerClosed),
            Input::Disconnected { conn } => {
                self.close(conn, CloseReason::Disconnected);
                self.forget(conn);
            }
            Input::Timeout => {
                self.timeout();
                self.drain_due();
            }
            Input::Shutdown { over } => self.shut_down(over),
        }
    }

    /// The next output, [`Output::Ready`] left out. If it is a check, it has the ticket that the
    /// hub gave it, which must be a new one.
    pub fn poll_output(&mut self, ticket: Option<Ticket>) -> Option<Output<Message>> {
        Some(match self.outputs.pop_front()? {
            Said::Event(event) => Output::Event(event),
            Said::Drop(conn) => Output::Drop { conn },
            Said::Check { conn, attempt, credential } => {
                let ticket = ticket.expect("a check is due");
                let other = self.tickets.insert(ticket, (conn, attempt));
                assert!(other.is_none(), "{ticket:?} was given out twice");
                Output::Check { ticket, conn, credential }
            }
        })
    }

    /// The next frame that `conn` reads.
    pub fn poll_frame(&mut self, id: ConnId) -> Option<Frame<Message>> {
        let frame = self.next_frame(id)?;
        self.conn(id).signs.push(Sign::Pulled);
        Some(frame)
    }

    fn next_frame(&mut self, id: ConnId) -> Option<Frame<Message>> {
        if !self.conns.contains_key(&id) {
            self.stats.stale += 1;
            return None;
        }
        if self.is_too_slow(id) {
            return None;
        }
        if let Some(Unread::Ping) = self.conns[&id].unread.first() {
            self.conn(id).unread.remove(0);
            self.stats.pings += 1;
            return Some(Frame::Ping);
        }
        let lost: Vec<_> = self.lost(id).collect();
        let is_lost = |unread: &Unread| match unread {
            Unread::Message { seq, .. } => lost.iter().any(|(_, lost)| lost == seq),
            Unread::Ping | Unread::Reply(_) => false,
        };
        let unread = &self.conns[&id].unread;
        // Stays of which nothing is left come first, and together.
        let left: Vec<_> = unread.iter().filter(|unread| !is_lost(unread)).collect();
        let is_left = |stay: u64| left.iter().any(|unread| unread.stay() == Some(stay));
        if lost.iter().any(|(stay, _)| !is_left(*stay)) {
            let stays = lost.iter().map(|(stay, _)| *stay).filter(|stay| !is_left(*stay));
            return Some(self.tell_gap(id, &stays.collect(), &lost));
        }
        let Some(next) = unread.iter().position(|unread| !is_lost(unread)) else {
            let conn = self.conn(id);
            let Life::Closing(reason) = conn.life.clone() else {
                return None;
            };
            conn.life = Life::Closed;
            return Some(Frame::Close(reason));
        };
        if let Some(stay) = unread[next].stay()
            && lost.iter().any(|(other, _)| *other == stay)
        {
            return Some(self.tell_gap(id, &[stay].into(), &lost));
        }
        Some(match self.conn(id).unread.remove(next) {
            Unread::Ping => unreachable!("it comes before all else"),
            Unread::Reply(frame) => frame,
            Unread::Message { seq, message, .. } => {
                self.stats.delivered += 1;
                self.stats.delivered_bytes += message.size as u64;
                self.have_read(id, |kept| kept.seq == seq);
                Frame::Message { seq, payload: message }
            }
        })
    }

    /// What was lost of these stays is no longer to be read.
    fn tell_gap(
        &mut self,
        id: ConnId,
        stays: &BTreeSet<u64>,
        lost: &[(u64, u64)],
    ) -> Frame<Message> {
        let told = lost.iter().filter(|(stay, _)| stays.contains(stay)).map(|(_, seq)| *seq);
        let told: BTreeSet<u64> = told.collect();
        let unread = &mut self.conn(id).unread;
        unread.retain(|u| !matches!(u, Unread::Message { seq, .. } if told.contains(seq)));
        let missed = told.len() as u64;
        self.stats.missed += missed;
        Frame::Gap { missed }
    }

    /// The connections that must be closed by the time there is no output left: all if they are to
    /// be closed at once, and those who are too slow.
    pub fn overdue(&self) -> Vec<ConnId> {
        let open = |&id: &ConnId| self.stage(id) != Stage::Closing;
        let overdue = |id: &ConnId| (self.drains_at_once() && open(id)) || self.is_too_slow(*id);
        self.ids().filter(overdue).collect()
    }

    /// Whether it lost a message of a topic that it is in, where such connections are closed.
    fn is_too_slow(&self, id: ConnId) -> bool {
        let stays = &self.conns[&id].stays;
        let current = |stay: u64| stays.values().any(|other| *other == stay);
        self.is_closed_when_slow(id) && self.lost(id).any(|(stay, _)| current(stay))
    }

    /// When a timeout is next wanted.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let timer = self.next_deadline().map(|(at, _, why)| Deadline { at, why });
        let close = self.next_to_drain().map(|(at, ..)| at);
        match (timer, close) {
            (Some(timer), Some(at)) if timer.at <= at => Some(timer),
            (_, Some(at)) => Some(Deadline { at, why: TimeoutReason::Shutdown }),
            (timer, None) => timer,
        }
    }

    /// How many requests of this connection may be fed before this is asked again.
    pub fn credit(&self, conn: ConnId) -> usize {
        let Some(conn) = self.conns.get(&conn) else { return usize::MAX };
        let replies = conn.unread.iter().filter(|unread| matches!(unread, Unread::Reply(_)));
        let room = self.config.max_replies.saturating_sub(replies.count());
        match conn.life {
            Life::Checking(_) => 0,
            Life::Credential => room.min(1),
            _ => room,
        }
    }

    /// How far a connection has come.
    pub fn stage(&self, conn: ConnId) -> Stage {
        match self.conns.get(&conn).map(|conn| &conn.life) {
            Some(Life::Login) => Stage::Login,
            Some(Life::Credential | Life::Checking(_)) => Stage::Credential,
            Some(Life::Open(_)) => Stage::Open,
            Some(Life::Closing(_) | Life::Closed) | None => Stage::Closing,
        }
    }

    /// Counters and current figures.
    pub fn stats(&self) -> Stats {
        let is_open = |conn: &&Conn| matches!(conn.life, Life::Open(_));
        let topics = self.topics();
        let mut stats = self.stats;
        stats.connections = self.conns.len();
        stats.logged_in = self.conns.values().filter(is_open).count();
        stats.users = topics.iter().filter(|topic| topic.is_user()).count();
        stats.groups = topics.iter().filter(|topic| topic.is_group()).count();
        let posted = |kept: &Vec<Kept>| kept.first().map(|kept| kept.posted);
        let oldest = self.kept.get(&Topic::Everyone).and_then(posted);
        stats.oldest_to_everyone = oldest.map(|posted| self.now.saturating_since(posted));
        stats.payload_bytes = self.kept.values().flatten().map(|kept| kept.size).sum();
        stats
    }

    /// All connections that the hub should know.
    pub fn ids(&self) -> impl Iterator<Item = ConnId> {
        self.conns.keys().copied()
    }

    /// Whether there is a frame to pull.
    pub fn has_to_read(&self, conn: ConnId) -> bool {
        self.conns
            .get(&conn)
            .is_some_and(|conn| !conn.unread.is_empty() || matches!(conn.life, Life::Closing(_)))
    }
}
