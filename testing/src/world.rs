//! The hub, the clock, and what is carried out of the hub's decisions.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use switchboard_core::{
    Config, ConnId, Event, Frame, Hub, Input, Instant, Name, Output, Payload, Ticket, Verdict,
};

use crate::{Received, beside::Beside, outside::Checker};

/// Connections up to which the hub's invariants are checked after each step.
const SMALL: usize = 100;

/// The payload of a world's hub. No two that were sent are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub(crate) id: u32,
    text: Arc<str>,
}

impl Text {
    /// What was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Payload for Text {
    fn size(&self) -> usize {
        self.text.len()
    }
}

/// What a client does by itself.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Reads what there is, and hangs up after a close frame.
    pub(crate) reads: bool,
    /// Answers the pings that it reads.
    pub(crate) answers: bool,
}

pub(crate) struct Client {
    pub(crate) uid: Option<String>,
    pub(crate) manner: Manner,
    /// What it has read and no test has asked for.
    pub(crate) inbox: VecDeque<Received>,
}

/// A hub in virtual time, with clients.
///
/// A client is named by the [`ConnId`] of its connection. Whatever a method has the hub do is
/// carried out before the method returns.
pub struct World {
    pub(crate) hub: Hub<Text>,
    pub(crate) now: Instant,
    manner: Manner,
    pub(crate) clients: BTreeMap<ConnId, Client>,
    uids: BTreeMap<String, ConnId>,
    /// Those who read, and have something to.
    to_read: BTreeSet<ConnId>,
    texts: u32,
    pub(crate) dropped: Vec<ConnId>,
    pub(crate) checks: Vec<(Ticket, ConnId, Text)>,
    pub(crate) checker: Option<Checker>,
    pub(crate) events: Vec<Event>,
    pub(crate) hold: bool,
    pub(crate) beside: Option<Beside>,
}

impl World {
    /// The origin of the clock is not the start, so that a deadline cannot lie before it.
    const START: Instant = Instant::from_micros(1_000_000);

    /// A hub with these settings, and nobody connected. Clients read at once, answer pings, and hang
    /// up when they are told to go.
    pub fn new(config: Config) -> Self {
        Self::with_manner(config, Manner { reads: true, answers: true })
    }

    /// The same, but nobody reads or answers until the test does it for them.
    pub fn by_hand(config: Config) -> Self {
        Self::with_manner(config, Manner { reads: false, answers: false })
    }

    fn with_manner(config: Config, manner: Manner) -> Self {
        Self {
            hub: Hub::new(config, 42, Self::START),
            now: Self::START,
            manner,
            clients: BTreeMap::new(),
            uids: BTreeMap::new(),
            to_read: BTreeSet::new(),
            texts: 0,
            dropped: Vec::new(),
            checks: Vec::new(),
            checker: None,
            events: Vec::new(),
            hold: false,
            beside: None,
        }
    }

    /// From here on, whatever can be seen of the hub is compared with its model.
    ///
    /// # Panics
    /// If anything happened in this world before. Later, wherever the two differ, with what the hub
    /// did and what the model says it should have done.
    #[must_use]
    pub fn with_model(mut self) -> Self {
        assert!(
            self.now == Self::START && self.clients.is_empty(),
            "a model starts with the world"
        );
        self.beside = Some(Beside::new(self.hub.config().clone(), self.now));
        self
    }

    /// The hub, to be asked.
    pub fn hub(&self) -> &Hub<Text> {
        &self.hub
    }

    /// What time it is.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How much time has passed since the start.
    pub fn elapsed(&self) -> Duration {
        self.now.saturating_since(Self::START)
    }

    /// Lets time pass, from deadline to deadline, up to and including what falls due: each is
    /// handled at its exact instant, and what comes of it is carried out then.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.hub.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.handle(Input::Timeout);
        }
        self.now = end;
    }

    pub(crate) fn text(&mut self, text: &str) -> Text {
        self.texts += 1;
        Text { id: self.texts, text: text.into() }
    }

    /// What a connection is to be called in a panic.
    pub(crate) fn who(&self, conn: ConnId) -> String {
        let uid = self.clients.get(&conn).and_then(|client| client.uid.clone());
        uid.unwrap_or_else(|| format!("{conn:?}"))
    }

    pub(crate) fn arrived(&mut self, conn: ConnId) {
        let client = Client { uid: None, manner: self.manner, inbox: VecDeque::new() };
        self.clients.insert(conn, client);
    }

    pub(crate) fn handle(&mut self, input: Input<'_, Text>) {
        self.feed(input);
        self.carry_out();
    }

    fn feed(&mut self, input: Input<'_, Text>) {
        if let Some(beside) = &mut self.beside {
            beside.feed(self.now, &input);
        }
        self.hub.handle(self.now, input);
    }

    /// Takes outputs and has clients read, until there is nothing more to do.
    pub(crate) fn carry_out(&mut self) {
        while !self.hold {
            if let Some(output) = self.poll_output() {
                self.obey(output);
            } else if let Some(conn) = self.to_read.pop_first() {
                self.read(conn);
            } else {
                break;
            }
        }
        self.compare();
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output<Text>> {
        let output = self.hub.poll_output();
        if let Some(beside) = &mut self.beside {
            beside.output(&self.hub, output.as_ref());
        }
        output
    }

    fn obey(&mut self, output: Output<Text>) {
        match output {
            Output::Ready { conn } => {
                if self.clients.get(&conn).is_some_and(|client| client.manner.reads) {
                    self.to_read.insert(conn);
                }
            }
            Output::Drop { conn } => self.dropped.push(conn),
            Output::Check { ticket, conn, credential } => match &mut self.checker {
                None => self.checks.push((ticket, conn, credential)),
                Some(checker) => {
                    let answer = checker(credential.as_str());
                    let verdict = match &answer {
                        Ok(uid) => Verdict::Accepted(name(uid)),
                        Err(denial) => Verdict::Denied(*denial),
                    };
                    self.feed(Input::Verdict { ticket, verdict });
                }
            },
            Output::Event(event) => {
                if let Event::LoggedIn { conn, login, .. } = &event {
                    self.uids.insert(login.uid.to_string(), *conn);
                    if let Some(client) = self.clients.get_mut(conn) {
                        client.uid = Some(login.uid.to_string());
                    }
                }
                self.events.push(event);
            }
        }
    }

    /// Has a client that reads do so.
    pub(crate) fn read(&mut self, conn: ConnId) {
        let manner = self.clients[&conn].manner;
        while let Some(frame) = self.poll_frame(conn) {
            if frame == Frame::Ping && manner.answers {
                self.feed(Input::Heard { conn, size: 0 });
                continue;
            }
            let is_last = matches!(frame, Frame::Close(_));
            let inbox = self.clients.get_mut(&conn).map(|client| &mut client.inbox);
            inbox.expect("it is known who reads").push_back(frame.into());
            if is_last {
                self.feed(Input::Disconnected { conn });
                break;
            }
        }
    }

    pub(crate) fn poll_frame(&mut self, conn: ConnId) -> Option<Frame<Text>> {
        let frame = self.hub.poll_frame(conn);
        if let Some(beside) = &mut self.beside {
            beside.frame(conn, frame.as_ref());
        }
        frame
    }

    fn compare(&self) {
        if self.hub.stats().connections <= SMALL {
            self.hub.assert_consistent();
        }
        if let Some(beside) = &self.beside {
            beside.compare(&self.hub, self.clients.keys().copied());
        }
    }

    /// From here on, what the hub decides is left to [`next_ready`](Self::next_ready) and
    /// [`outputs_until_ready`](Self::outputs_until_ready). For tests of when the hub says what.
    pub fn hold_outputs(&mut self) {
        self.hold = true;
    }

    /// Takes outputs until there is one that says who has something to read.
    pub fn next_ready(&mut self) -> Option<ConnId> {
        std::iter::from_fn(|| self.poll_output()).find_map(|output| match output {
            Output::Ready { conn } => Some(conn),
            _ => None,
        })
    }

    /// Takes outputs until there is one for who logged in last with this uid. Returns how many
    /// there were.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn outputs_until_ready(&mut self, uid: &str) -> usize {
        let conn = *self.uids.get(uid).unwrap_or_else(|| panic!("nobody has logged in as {uid}"));
        let mut taken = 0;
        while let Some(output) = self.poll_output() {
            taken += 1;
            if output == (Output::Ready { conn }) {
                return taken;
            }
        }
        panic!("after {:?}: {uid} was not told that there is something to read", self.elapsed());
    }
}

/// A uid, or the name of a group.
///
/// # Panics
/// If nobody can have it.
#[track_caller]
pub fn name(name: &str) -> Name<'_> {
    Name::new(name).unwrap_or_else(|error| panic!("{name:?} is no name: {error}"))
}
