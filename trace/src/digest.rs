//! What a hub has told everybody, in a few bytes.

use core::{
    fmt::{self, Write},
    hash::Hasher,
};

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use slotmap::SecondaryMap;
use switchboard_core::{ConnId, Event, Frame, Output};

use crate::Content;

/// A hash of these bytes that is the same everywhere.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Two hubs whose digests are the same have told the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Of each output and frame, in the order in which they were asked for. It is the same whenever
    /// the same recording is replayed.
    pub exact: u64,
    /// Of what each connection was told, in its order, and of who came and went. Servers that
    /// were given the same have the same, even if one was quicker to tell.
    pub told: u64,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.exact, self.told)
    }
}

/// Computes one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digester {
    exact: u64,
    /// Of the events.
    events: u64,
    /// Of what all connections were told: the sum over them.
    told: u64,
    /// Those that have not ended.
    conns: SecondaryMap<ConnId, Told>,
    /// Connections so far.
    count: u64,
}

/// What a connection was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// The connection's number: ids are given out again in an order that depends on when
    /// connections end.
    number: u64,
    digest: u64,
}

impl Digester {
    /// One that these connections are known to from the beginning.
    pub(crate) fn go_on(conns: impl Iterator<Item = ConnId>) -> Self {
        let mut digester = Self::default();
        conns.for_each(|conn| digester.connected(conn));
        digester
    }

    pub(crate) fn connected(&mut self, conn: ConnId) {
        self.count += 1;
        let told = Told { number: self.count, digest: 0 };
        self.told = self.told.wrapping_add(told.finish());
        self.conns.insert(conn, told);
    }

    pub(crate) fn disconnected(&mut self, conn: ConnId) {
        self.conns.remove(conn);
    }

    pub(crate) fn output<P: Content>(&mut self, output: Option<&Output<P>>) {
        let Some(output) = output else { return };
        let mut words = Words::new(self.exact);
        match output {
            Output::Ready { conn } => words.add(1).add(self.number(*conn)),
            Output::Drop { conn } => words.add(2).add(self.number(*conn)),
            Output::Check { conn, credential, .. } => {
                words.add(3).add(self.number(*conn)).add(credential.hash())
            }
            Output::Event(event) => {
                self.events = add_event(self.events, event);
                words.add(4).add(self.events)
            }
        };
        self.exact = words.finish();
    }

    pub(crate) fn frame<P: Content>(&mut self, conn: ConnId, frame: Option<&Frame<P>>) {
        let Some(frame) = frame else { return };
        let Some(told) = self.conns.get_mut(conn) else { return };
        let mut words = Words::new(told.digest);
        match frame {
            Frame::LoggedIn { uid } => words.add(1).text(uid),
            Frame::Message { seq, payload } => words.add(2).add(*seq).add(payload.hash()),
            Frame::Gap { missed } => words.add(3).add(*missed),
            Frame::Problem(problem) => words.add(4).text(problem),
            Frame::Ping => words.add(5),
            Frame::Close(reason) => words.add(6).add(code(reason.code())).text(reason),
        };
        let before = told.finish();
        told.digest = words.finish();
        self.told = self.told.wrapping_sub(before).wrapping_add(told.finish());
        let mut words = Words::new(self.exact);
        words.add(5).add(told.number).add(told.digest);
        self.exact = words.finish();
    }

    pub(crate) fn digest(&self) -> Digest {
        let mut words = Words::new(self.told);
        words.add(self.events);
        Digest { exact: self.exact, told: words.finish() }
    }

    /// That of a connection that has ended is zero.
    fn number(&self, conn: ConnId) -> u64 {
        self.conns.get(conn).map_or(0, |told| told.number)
    }
}

impl Told {
    fn finish(self) -> u64 {
        let mut words = Words::new(self.number);
        words.add(self.digest);
        words.finish()
    }
}

/// An event says what it is about by its number and the login's, and may come when the connection has
/// long ended.
fn add_event(before: u64, event: &Event) -> u64 {
    let mut words = Words::new(before);
    match event {
        Event::LoggedIn { seq, login, .. } => {
            words.add(1).add(*seq).text(&login.uid).add(login.generation);
        }
        Event::Closed { seq, login, reason, .. } => {
            words.add(2).add(*seq);
            if let Some(login) = login {
                words.text(&login.uid).add(login.generation);
            }
            words.add(code(reason.code())).text(reason);
        }
    }
    words.finish()
}

fn code(code: Option<u16>) -> u64 {
    code.map_or(0, u64::from)
}

/// Hashes what is added to what was before.
struct Words(SipHasher13);

impl Words {
    fn new(before: u64) -> Self {
        let mut words = Self(SipHasher13::new());
        words.add(before);
        words
    }

    fn add(&mut self, word: u64) -> &mut Self {
        self.0.write(&word.to_le_bytes());
        self
    }

    /// Ends with what is in no text, so that two have no other meaning than one.
    fn text(&mut self, text: &(impl fmt::Display + ?Sized)) -> &mut Self {
        write!(self, "{text}").expect("it takes everything");
        self.0.write(&[0xFF]);
        self
    }

    fn finish(self) -> u64 {
        self.0.finish()
    }
}

impl Write for Words {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
