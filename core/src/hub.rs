//! The hub: one state machine for all connections.
//!
//! ```text
//!                 connect            Login                 Sends, joins, leaves
//!   (refused) <-- Input::Connect --> State::Login --------> State::Open
//!                                        |                      |
//!                                        |  timeout, fault,     |  fault, takeover, too slow,
//!                                        |  peer closes         |  peer closes
//!                                        v                      v
//!                                    State::Closing --pulled--> State::Closed
//!                                        |                      |
//!                                        +--- Disconnected or --+--> forgotten
//!                                             close timeout
//! ```
//!
//! Where credentials are checked, `State::Credential` and `State::Checking` stand for `State::Login`,
//! and it is not `Login` but `Authenticate` and then `Input::Verdict` that lead to `State::Open`.
//!
//! The life of a connection is in `session`, checks are in `checks`, who receives what in `routing`, who is told that there
//! is something to pull in `wake`, what that is in `delivery`, who is alive in `watch`, and how much is too much in `limits`.

mod checks;
mod delivery;
mod limits;
mod outside;
mod routing;
mod session;
mod wake;
mod watch;

#[cfg(any(test, feature = "testing", feature = "serde"))]
mod consistency;
#[cfg(feature = "serde")]
mod restore;
#[cfg(feature = "serde")]
mod save;

use alloc::collections::VecDeque;
use core::net::IpAddr;

use slotmap::SlotMap;

#[cfg(any(test, feature = "testing"))]
use crate::marks::Marks;
use crate::{
    Config, ConnId, Deadline, Frame, Input, Output, Payload, Problem, Refused, Request, Stage,
    Stats, TimeoutReason,
    addresses::{Address, Addresses},
    conn::{Answer, Reply, State},
    conns::Conns,
    index::NameIndex,
    marks::Mark,
    presence::Presence,
    rate::Level,
    shutdown::Shutdown,
    time::Instant,
    timers::Timers,
    topic::{Topic, TopicId, TopicName},
};
use wake::Wake;

/// Decides login, routing and broadcast for all connections of a server.
///
/// # How to drive it
///
/// Feed it with [`connect`](Self::connect) for each new connection and [`handle`](Self::handle) for
/// all else. After each of those, and in any order:
///
/// - drain [`poll_output`](Self::poll_output). A message to a million users is a million outputs,
///   each found in constant time, so an adapter may take some, do other work, and come back;
/// - for each connection that is [ready](Output::Ready), pull [`poll_frame`](Self::poll_frame) and
///   write what it gives, as long as the socket takes it. A socket that is full is simply not
///   pulled; when it has room, go on pulling. Nothing else is needed against slow readers;
/// - ask [`poll_timeout`](Self::poll_timeout) when to feed [`Input::Timeout`] next.
///
/// Before reading from a connection, ask for its [`credit`](Self::credit).
///
/// No call fails: what is wrong with an input becomes a frame for whoever sent it.
///
/// # What it holds
///
/// A message is stored once, however many it is for, until all of them have read it and what came
/// before it in its topic. [`Config`] bounds everything that can grow, given that the outputs are
/// drained.
pub struct Hub<P> {
    config: Config,
    now: Instant,
    /// The number of the last message or reply in the hub's order.
    seq: u64,
    conns: Conns,
    /// Empty unless there is a limit on what comes from an address.
    addresses: Addresses,
    topics: SlotMap<TopicId, Topic<P>>,
    everyone: TopicId,
    users: NameIndex,
    groups: NameIndex,
    online: Presence,
    timers: Timers,
    /// Credentials that were to be checked so far.
    checks: u64,
    /// Events so far.
    events: u64,
    wakes: VecDeque<Wake>,
    outputs: VecDeque<Output<P>>,
    shutdown: Option<Shutdown>,
    stats: Stats,
    #[cfg(any(test, feature = "testing"))]
    marks: Marks,
}

impl<P: Payload> Hub<P> {
    /// An empty hub. `seed` keys the hash of names: it should be random, so that clients cannot
    /// choose names that collide.
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        let mut topics = SlotMap::with_key();
        let everyone = topics.insert(Topic::new(TopicName::Everyone));
        Self {
            config,
            now,
            seq: 0,
            conns: Conns::default(),
            addresses: Addresses::default(),
            topics,
            everyone,
            users: NameIndex::new(seed, 0),
            groups: NameIndex::new(seed, 1),
            online: Presence::default(),
            timers: Timers::default(),
            checks: 0,
            events: 0,
            wakes: VecDeque::new(),
            outputs: VecDeque::new(),
            shutdown: None,
            stats: Stats::default(),
            #[cfg(any(test, feature = "testing"))]
            marks: Marks::default(),
        }
    }

    /// Takes a new connection; the same as [`Input::Connect`], and tells its id.
    ///
    /// Call it as soon as the socket is accepted: the login timeout runs from here, and so covers
    /// the handshake. `address` is where it comes from, if that is known at once.
    ///
    /// # Errors
    /// Says why the hub takes no connection. There is nothing to undo.
    pub fn connect(&mut self, now: Instant, address: Option<IpAddr>) -> Result<ConnId, Refused> {
        self.advance(now);
        let connected = self.open(address.map(Address::from));
        self.prune_timers();
        connected
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Instant, input: Input<'_, P>) {
        self.advance(now);
        match input {
            Input::Connect { address } => drop(self.open(address.map(Address::from))),
            Input::Address { conn, address } => self.learn_address(conn, address.into()),
            Input::Request { conn, request, size } => self.request(conn, request, size),
            Input::Verdict { ticket, verdict } => self.verdict(ticket, verdict),
            Input::Heard { conn, size } => self.heard(conn, size),
            Input::Called { conn } => self.called(conn),
            Input::Push { to, payload } => drop(self.take_push(to, payload)),
            Input::Kick { uid, kick } => drop(self.kick_all(uid, &kick)),
            Input::Fault { conn, fault } => self.fault(conn, fault),
            Input::PeerClosed { conn } => self.peer_closed(conn),
            Input::Disconnected { conn } => self.disconnected(conn),
            Input::Timeout => self.timeout(),
            Input::Shutdown { over } => self.shut_down(over),
        }
        self.prune_timers();
    }

    /// The next thing for the adapter to do, or `None` when all is done.
    ///
    /// Each call takes constant time, amortized. While it returns something, an embedder may feed
    /// further inputs and pull frames; the order of outputs depends on nothing but the order of
    /// calls.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        self.next_output()
    }

    /// The next frame to write to `conn`, or `None` when there is none for the time being.
    ///
    /// Frames come in the hub's order: one order for all connections. The last frame of a
    /// connection is [`Frame::Close`]. Pulling changes nothing for anybody else, and leads to no
    /// output.
    pub fn poll_frame(&mut self, conn: ConnId) -> Option<Frame<P>> {
        let frame = self.next_frame(conn);
        if frame.is_some() {
            self.conns[conn].watch.pulled = true;
        }
        frame
    }

    /// When [`Input::Timeout`] is next wanted, or `None` if no time limit runs. If that time has
    /// passed even after a timeout was handled, there was more to do than one call should take:
    /// feed it again.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let close = self.shutdown.as_ref().and_then(Shutdown::next);
        let close = close.map(|at| Deadline { at, why: TimeoutReason::Shutdown });
        let timer = self.timers.next();
        timer.into_iter().chain(close).min_by_key(|deadline| deadline.at)
    }

    /// How many requests of this connection may be fed before this is asked again.
    ///
    /// Zero while as many replies as [`Config::max_replies`] allows wait to be pulled, and while a
    /// credential is checked; a verdict leads to a reply, so it is time to ask again when something
    /// has been pulled. Whoever feeds requests all the same gets the connection closed.
    pub fn credit(&self, conn: ConnId) -> usize {
        self.conns.get(conn).map_or(usize::MAX, |conn| {
            let room = self.config.max_replies.saturating_sub(conn.replies.len());
            match conn.state {
                State::Checking { .. } => 0,
                // What follows has to wait for the verdict.
                State::Credential => room.min(1),
                _ => room,
            }
        })
    }

    /// How far the connection has come. One that the hub has forgotten is [`Stage::Closing`].
    pub fn stage(&self, conn: ConnId) -> Stage {
        self.conns.get(conn).map_or(Stage::Closing, |conn| Stage::from(&conn.state))
    }

    /// Counters and current figures.
    pub fn stats(&self) -> Stats {
        let oldest = self.topics[self.everyone].oldest();
        Stats {
            connections: self.conns.len(),
            logged_in: self.topics[self.everyone].members().len(),
            users: self.users.len(),
            groups: self.groups.len(),
            oldest_to_everyone: oldest.map(|at| self.now.saturating_since(at)),
            wakes: self.wakes.len(),
            ..self.stats
        }
    }

    /// The settings that the hub was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What rare paths were taken.
    #[cfg(any(test, feature = "testing"))]
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    #[cfg(any(test, feature = "testing"))]
    fn mark(&mut self, mark: Mark) {
        self.marks.count(mark);
    }

    #[cfg(not(any(test, feature = "testing")))]
    fn mark(&mut self, _: Mark) {}

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn request(&mut self, conn: ConnId, request: Request<'_, P>, size: usize) {
        if !self.conns.contains_key(conn) {
            self.stats.stale += 1;
            return;
        }
        let stage = self.stage(conn);
        if stage == Stage::Closing {
            return;
        }
        self.stats.received_bytes = self.stats.received_bytes.saturating_add(size as u64);
        self.conns[conn].watch.hear(self.now);
        match self.charge(conn, size) {
            Some((Level::FarOver, _)) => return self.close_too_fast(conn),
            _ if self.credit(conn) == 0 => return self.close_unread(conn),
            Some((_, too_fast)) => return self.refuse(conn, too_fast),
            None => {}
        }
        match (stage, request) {
            (Stage::Closing, _) => {}
            (_, Request::Invalid(why)) => self.refuse(conn, why),
            (Stage::Login, Request::Login(uid)) => {
                if self.may_try_login(conn) {
                    self.log_in(conn, uid);
                }
            }
            (Stage::Credential, Request::Authenticate(credential)) => {
                if self.may_try_login(conn) {
                    self.check(conn, credential);
                }
            }
            (Stage::Login | Stage::Credential, _) => self.refuse(conn, Problem::NotLoggedIn),
            (Stage::Open, Request::Login(_) | Request::Authenticate(_)) => {
                self.refuse(conn, Problem::AlreadyLoggedIn);
            }
            (Stage::Open, Request::Send { to, payload }) => self.send(conn, to, payload),
            (Stage::Open, Request::Join(group)) => self.join(conn, group),
            (Stage::Open, Request::Leave(group)) => self.leave(conn, group),
        }
    }

    /// Answers a request that comes to nothing.
    fn refuse(&mut self, conn: ConnId, why: Problem) {
        self.reply(conn, Answer::Problem(why));
    }

    fn reply(&mut self, conn: ConnId, answer: Answer) {
        let seq = self.next_seq();
        if let Some(to) = self.conns.get_mut(conn) {
            to.replies.push_back(Reply { seq, answer });
            self.wake(conn);
        }
    }
}
