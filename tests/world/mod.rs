//! A hub in virtual time, and a few words to write tests with.

#![allow(dead_code, reason = "each test uses some of the words")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use switchboard_core::{
    CloseReason, Config, ConnId, Event, Fault, Frame, Hub, Input, Instant, Kick, Name, Output,
    Problem, Refused, Request, Target, Ticket, Verdict,
};

type Payload = Arc<str>;

pub(crate) struct World {
    hub: Hub<Payload>,
    now: Instant,
    uids: BTreeMap<String, ConnId>,
    numbered: Vec<ConnId>,
    dropped: Vec<ConnId>,
    checks: Vec<(Ticket, ConnId, Payload)>,
    events: Vec<Event>,
    hold: bool,
}

/// A frame, as a test wants to name it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pulled {
    LoggedIn(String),
    Message(String),
    Problem(String),
    Gap(u64),
    Ping,
    Close(CloseReason),
}

pub(crate) fn message(text: &str) -> Pulled {
    Pulled::Message(text.into())
}

pub(crate) fn problem(text: &str) -> Pulled {
    Pulled::Problem(text.into())
}

pub(crate) fn gap(missed: u64) -> Pulled {
    Pulled::Gap(missed)
}

pub(crate) fn closed(reason: CloseReason) -> Pulled {
    Pulled::Close(reason)
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let now = Instant::from_micros(1_000_000);
        Self {
            hub: Hub::new(config, 42, now),
            now,
            uids: BTreeMap::new(),
            numbered: Vec::new(),
            dropped: Vec::new(),
            checks: Vec::new(),
            events: Vec::new(),
            hold: false,
        }
    }

    pub(crate) fn hub(&self) -> &Hub<Payload> {
        &self.hub
    }

    pub(crate) fn try_connect(&mut self) -> Result<ConnId, Refused> {
        self.hub.connect(self.now, None)
    }

    pub(crate) fn connect_from(&mut self, address: &str) -> Result<ConnId, Refused> {
        self.hub.connect(self.now, Some(address.parse().expect("an address")))
    }

    /// Has it known where a connection comes from.
    pub(crate) fn comes_from(&mut self, conn: ConnId, address: &str) {
        let address = address.parse().expect("an address");
        self.handle(Input::Address { conn, address });
    }

    pub(crate) fn connect(&mut self) -> ConnId {
        self.try_connect().expect("room for a connection")
    }

    /// Connects and logs in, and reads the replies.
    pub(crate) fn log_in<const N: usize>(&mut self, uids: [&str; N]) -> [ConnId; N] {
        uids.map(|uid| {
            let conn = self.connect();
            self.request(conn, Request::Login(name(uid)));
            assert_eq!(self.hub.poll_frame(conn), Some(Frame::LoggedIn { uid: uid.into() }));
            assert_eq!(self.hub.poll_frame(conn), None);
            self.uids.insert(uid.into(), conn);
            conn
        })
    }

    /// Connects as the next one that [`nth`](Self::nth) names.
    pub(crate) fn connect_nth(&mut self) {
        let conn = self.connect();
        self.numbered.push(conn);
    }

    pub(crate) fn nth(&self, index: usize) -> ConnId {
        self.numbered[index]
    }

    pub(crate) fn try_log_in(&mut self, conn: ConnId, uid: &str) {
        self.request(conn, Request::Login(name(uid)));
    }

    pub(crate) fn send(&mut self, from: ConnId, to: &str, text: &str) {
        self.send_to(from, Target::User(name(to)), text);
    }

    pub(crate) fn send_to_all(&mut self, from: ConnId, text: &str) {
        self.send_to(from, Target::Everyone, text);
    }

    pub(crate) fn send_to_group(&mut self, from: ConnId, group: &str, text: &str) {
        self.send_to(from, Target::Group(name(group)), text);
    }

    fn send_to(&mut self, from: ConnId, to: Target<'_>, text: &str) {
        self.request(from, Request::Send { to, payload: text.into() });
    }

    pub(crate) fn join(&mut self, conn: ConnId, group: &str) {
        self.request(conn, Request::Join(name(group)));
    }

    pub(crate) fn leave(&mut self, conn: ConnId, group: &str) {
        self.request(conn, Request::Leave(name(group)));
    }

    fn request(&mut self, conn: ConnId, request: Request<'_, Payload>) {
        let size = match &request {
            Request::Send { payload, .. } => payload.len(),
            _ => 0,
        };
        self.handle(Input::Request { conn, request, size });
    }

    /// Sends what the dialect cannot make sense of.
    pub(crate) fn invalid(&mut self, conn: ConnId) {
        self.request(conn, Request::Invalid(Problem::ExpectedUidMessage));
    }

    pub(crate) fn fault(&mut self, conn: ConnId, fault: Fault) {
        self.handle(Input::Fault { conn, fault });
    }

    pub(crate) fn disconnect(&mut self, conn: ConnId) {
        self.handle(Input::Disconnected { conn });
    }

    pub(crate) fn peer_closed(&mut self, conn: ConnId) {
        self.handle(Input::PeerClosed { conn });
    }

    pub(crate) fn shut_down(&mut self, over: Duration) {
        self.handle(Input::Shutdown { over });
    }

    pub(crate) fn hear(&mut self, conn: ConnId) {
        self.hear_bytes(conn, 0);
    }

    pub(crate) fn hear_bytes(&mut self, conn: ConnId, size: usize) {
        self.handle(Input::Heard { conn, size });
    }

    /// Lets time pass, from deadline to deadline, up to and including what falls due.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.hub.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.handle(Input::Timeout);
        }
        self.now = end;
    }

    /// Has another system send a message; tells how many it is for.
    pub(crate) fn push(&mut self, to: Target<'_>, text: &str) -> Result<usize, Problem> {
        let taken = self.hub.push(self.now, to, text.into());
        self.carry_out();
        taken
    }

    /// Has another system close a user; tells how many connections that were.
    pub(crate) fn kick(&mut self, uid: &str, kick: &Kick) -> usize {
        let kicked = self.hub.kick(self.now, name(uid), kick);
        self.carry_out();
        kicked
    }

    pub(crate) fn called(&mut self, conn: ConnId) {
        self.handle(Input::Called { conn });
    }

    /// The events since this was asked last.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn handle(&mut self, input: Input<'_, Payload>) {
        self.hub.handle(self.now, input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while !self.hold
            && let Some(output) = self.hub.poll_output()
        {
            match output {
                Output::Drop { conn } => self.dropped.push(conn),
                Output::Check { ticket, conn, credential } => {
                    self.checks.push((ticket, conn, credential));
                }
                Output::Event(event) => self.events.push(event),
                Output::Ready { .. } => {}
            }
        }
        if self.uids.len() < 100 {
            self.hub.assert_consistent();
        }
    }

    /// All that there is to pull.
    pub(crate) fn pull(&mut self, conn: ConnId) -> Vec<Pulled> {
        std::iter::from_fn(|| self.pull_one(conn)).collect()
    }

    pub(crate) fn pull_one(&mut self, conn: ConnId) -> Option<Pulled> {
        Some(match self.hub.poll_frame(conn)? {
            Frame::LoggedIn { uid } => Pulled::LoggedIn(uid.to_string()),
            Frame::Message { payload, .. } => Pulled::Message(payload.to_string()),
            Frame::Gap { missed } => Pulled::Gap(missed),
            Frame::Problem(problem) => Pulled::Problem(problem.to_string()),
            Frame::Ping => Pulled::Ping,
            Frame::Close(reason) => Pulled::Close(reason),
        })
    }

    /// The connections whose sockets were to be dropped.
    pub(crate) fn dropped(&self) -> &[ConnId] {
        &self.dropped
    }

    /// Shows a credential; returns the ticket if it is to be checked.
    pub(crate) fn authenticate(&mut self, conn: ConnId, credential: &str) -> Option<Ticket> {
        self.checks.clear();
        self.request(conn, Request::Authenticate(credential.into()));
        let (ticket, who, what) = self.checks.pop()?;
        assert_eq!((who, &*what), (conn, credential));
        Some(ticket)
    }

    pub(crate) fn verdict(&mut self, ticket: Ticket, verdict: Verdict<'_>) {
        self.handle(Input::Verdict { ticket, verdict });
    }

    /// Leaves the hub's outputs to [`outputs_until_ready`](Self::outputs_until_ready).
    pub(crate) fn hold_outputs(&mut self) {
        self.hold = true;
    }

    /// Takes outputs until there is one that says who is ready.
    pub(crate) fn next_ready(&mut self) -> Option<ConnId> {
        std::iter::from_fn(|| self.hub.poll_output()).find_map(|output| match output {
            Output::Ready { conn } => Some(conn),
            _ => None,
        })
    }

    /// Takes outputs until there is one for this uid. Returns how many there were.
    pub(crate) fn outputs_until_ready(&mut self, uid: &str) -> usize {
        let ready = Output::Ready { conn: self.uids[uid] };
        let outputs = std::iter::from_fn(|| self.hub.poll_output());
        let (mut taken, mut found) = (0, false);
        for output in outputs {
            taken += 1;
            found = output == ready;
            if found {
                break;
            }
        }
        assert!(found, "{uid} was not told");
        taken
    }
}

pub(crate) fn name(name: &str) -> Name<'_> {
    Name::new(name).expect("a valid name")
}
