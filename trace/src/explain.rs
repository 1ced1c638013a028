//! Why somebody did not get a message.

mod account;
mod answers;
mod reading;

use alloc::{
    borrow::ToOwned,
    collections::BTreeMap,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::mem;

use switchboard_core::{
    CloseReason, ConnId, Event, Frame, Hub, Input, Instant, Name, Output, Payload, Problem,
    Request, Stage, Target, Ticket, Verdict,
};

use crate::{Message, Observer};
pub use account::{Account, Fate, Filter, Sender};
use answers::Answers;
use reading::{Open, Reading, Topic};

/// Looks on at a replay for messages to a uid.
#[derive(Debug)]
pub struct Explain {
    has_begun: bool,
    uid: String,
    filter: Filter,
    found: Vec<Found>,
    /// Who is logged in on which connection.
    uids: BTreeMap<ConnId, Arc<str>>,
    /// Credentials that are being checked.
    tickets: BTreeMap<Ticket, ConnId>,
    /// The uid's connections so far, and when and why they closed.
    conns: BTreeMap<ConnId, Option<(Instant, CloseReason)>>,
    /// Those that closed, in this order.
    closes: Vec<ConnId>,
    reading: Reading,
    answers: Answers,
    fed: Option<Fed>,
    has_hashes: bool,
    has_texts: bool,
}

/// A message, and the connections that should read it.
#[derive(Debug)]
struct Found {
    account: Account,
    topic: Topic,
    fates: Vec<(ConnId, Option<Fate>)>,
    /// How many connections the uid had had until then.
    conns: usize,
}

/// What the hub is fed with, as far as it counts.
#[derive(Debug)]
enum Fed {
    Message(Sent),
    Login { conn: ConnId, uid: Arc<str> },
    Verdict { ticket: Ticket, uid: Arc<str> },
    Join { conn: ConnId, group: String, credit: usize },
    Leave { conn: ConnId, group: String, credit: usize },
}

#[derive(Debug)]
struct Sent {
    message: Message,
    topic: Topic,
    conn: Option<ConnId>,
    from: Sender,
    /// Whether somebody was online under the uid, and whether one of those read what comes there.
    is_online: bool,
    is_read: bool,
    /// How many messages the hub had taken before.
    accepted: u64,
}

impl Explain {
    /// Looks for messages to this uid, to everybody and to groups. Who was in a group before the
    /// recording began is not known, nor what had not been read then.
    pub fn new(uid: &str, filter: Filter) -> Self {
        Self {
            has_begun: false,
            uid: uid.to_owned(),
            filter,
            found: Vec::new(),
            uids: BTreeMap::new(),
            tickets: BTreeMap::new(),
            conns: BTreeMap::new(),
            closes: Vec::new(),
            reading: Reading::default(),
            answers: Answers::default(),
            fed: None,
            has_hashes: false,
            has_texts: false,
        }
    }

    /// Whether there were messages, and all of them hashes.
    pub fn has_hashes_only(&self) -> bool {
        self.has_hashes && !self.has_texts
    }

    /// What was found, in the order in which it came.
    pub fn finish(self) -> Vec<Account> {
        let Self { found, conns, closes, .. } = self;
        let closed = |conn: &ConnId| conns.get(conn).cloned().flatten();
        let accounts = found.into_iter().map(|found| {
            let Found { mut account, fates, conns, .. } = found;
            if let Some(Fate::NotOnline { last }) = account.fates.first_mut() {
                // All that the uid had had until then had closed, which may have been told later.
                let close = conns.checked_sub(1).and_then(|index| closes.get(index));
                let close = close.and_then(closed);
                *last = close.map(|(at, reason)| (at.min(account.at), reason));
            }
            account.fates.extend(fates.into_iter().map(|(conn, fate)| {
                match (fate, closed(&conn)) {
                    (Some(fate), _) => fate,
                    (None, Some((at, reason))) => Fate::Closed { at, reason },
                    (None, None) => Fate::Unread,
                }
            }));
            account
        });
        accounts.collect()
    }

    /// Takes note of who is online when a recording goes on from another file.
    fn begin(&mut self, hub: &Hub<Message>) {
        self.reading.begin(hub.config());
        for user in hub.users(None) {
            let Ok(name) = Name::new(user.uid) else { continue };
            let uid: Arc<str> = user.uid.into();
            for session in hub.sessions(name) {
                self.log_in(session.conn, &uid, true);
            }
        }
    }

    fn log_in(&mut self, conn: ConnId, uid: &Arc<str>, is_older: bool) {
        self.uids.insert(conn, Arc::clone(uid));
        if **uid == *self.uid {
            self.conns.insert(conn, None);
            self.reading.log_in(conn, is_older);
        }
    }

    /// If the connection has done so just now.
    fn logged_in(&mut self, hub: &Hub<Message>, conn: Option<ConnId>, uid: &Arc<str>) {
        let is_new =
            |conn: &ConnId| hub.stage(*conn) == Stage::Open && !self.uids.contains_key(conn);
        if let Some(conn) = conn.filter(is_new) {
            self.log_in(conn, uid, false);
        }
    }

    fn forget(&mut self, conn: ConnId) {
        self.uids.remove(&conn);
        self.reading.forget(conn);
        self.answers.forget(conn);
    }

    /// Takes note of a message if it is for the uid.
    fn send(
        &self,
        hub: &Hub<Message>,
        conn: Option<ConnId>,
        to: Target<'_>,
        message: &Message,
    ) -> Option<Fed> {
        let topic = match to {
            Target::User(name) if name.as_str() == self.uid => Topic::User,
            Target::User(_) => return None,
            Target::Everyone => Topic::Everyone,
            Target::Group(name) => Topic::Group(name.as_str().to_owned()),
        };
        let from = match conn.map(|conn| (hub.stage(conn), self.uids.get(&conn))) {
            None => Sender::Outside,
            Some((Stage::Open, Some(uid))) => Sender::User(Arc::clone(uid)),
            Some(_) => Sender::Nobody,
        };
        let is_open = |conn| hub.stage(conn) == Stage::Open;
        let is_online = self.reading.conns().any(is_open);
        let is_read = self.reading.reads(&topic, is_open);
        let (message, accepted) = (message.clone(), hub.stats().accepted);
        Some(Fed::Message(Sent { message, topic, conn, from, is_online, is_read, accepted }))
    }

    /// What has become of it.
    fn sent(&mut self, hub: &Hub<Message>, at: Instant, sent: Sent) {
        let Sent { message, topic, conn, from, is_online, is_read, accepted } = sent;
        match message.whole() {
            Some(_) => self.has_texts = true,
            None => self.has_hashes = true,
        }
        let is_asked_for = self.filter.is(&message);
        let index = self.found.len();
        let is_taken = hub.stats().accepted > accepted;
        let conns = if is_taken {
            let (number, size) = (message.number, message.size());
            let is_open = |conn| hub.stage(conn) == Stage::Open;
            self.reading.post(&topic, number, size, is_asked_for.then_some(index), is_open)
        } else {
            Vec::new()
        };
        if !is_asked_for {
            return;
        }
        let mut fates = Vec::new();
        if conns.is_empty() {
            fates.push(match from {
                Sender::Nobody => Fate::Refused { problem: None },
                _ if !is_online => Fate::NotOnline { last: None },
                _ if is_taken || !is_read => Fate::NotInGroup,
                _ => Fate::Refused { problem: None },
            });
        }
        if let (Some(conn), false) = (conn, is_taken) {
            self.answers.expect(hub, conn, index);
        }
        let to = match &topic {
            Topic::Everyone => Name::EVERYONE.to_owned(),
            Topic::User => self.uid.clone(),
            Topic::Group(name) => alloc::format!("the group {name}"),
        };
        let text = message.whole().map(|bytes| String::from_utf8_lossy(bytes).to_string());
        let account = Account { number: message.number, at, from, to, text, fates };
        let fates = conns.into_iter().map(|conn| (conn, None)).collect();
        self.found.push(Found { account, topic, fates, conns: self.conns.len() });
    }

    fn told(&mut self, at: Instant, conn: ConnId, number: u64) {
        let passed = self.reading.read(conn, number);
        let is_expected = passed.last().is_some_and(|open| open.number == number);
        for open in passed {
            let is_it = open.number == number;
            self.decide(open, if is_it { Fate::Told { at } } else { Fate::Missed { at } });
        }
        if is_expected || !self.reading.knows(conn) {
            return;
        }
        let found = self.found.binary_search_by_key(&number, |found| found.account.number);
        if let Some(found) = found.ok().and_then(|index| self.found.get_mut(index)) {
            // It is in the group from before the recording began.
            found.account.fates.retain(|fate| *fate != Fate::NotInGroup);
            found.fates.push((conn, Some(Fate::Told { at })));
            self.reading.subscribe(conn, found.topic.clone(), true);
        }
    }

    fn decide(&mut self, open: Open, fate: Fate) {
        if let Some(found) = self.found.get_mut(open.found) {
            found.fates[open.fate].1 = Some(fate);
        }
    }

    /// The sender of a message was told why it was refused.
    fn refused(&mut self, message: usize, told: &Problem) {
        let fate = self.found[message].account.fates.first_mut();
        match (told, fate) {
            (Problem::NotOnline(_) | Problem::GroupEmpty(_), Some(Fate::NotOnline { .. })) => {}
            (Problem::GroupEmpty(_), Some(Fate::NotInGroup)) => {}
            (_, Some(fate)) => *fate = Fate::Refused { problem: Some(told.clone()) },
            (_, None) => {}
        }
    }
}

impl Observer for Explain {
    fn input(&mut self, hub: &Hub<Message>, _: Instant, input: &Input<'_, Message>) {
        if !mem::replace(&mut self.has_begun, true) {
            self.begin(hub);
        }
        self.fed = match input {
            Input::Push { to, payload } => self.send(hub, None, *to, payload),
            Input::Verdict { ticket, verdict: Verdict::Accepted(uid) } => {
                Some(Fed::Verdict { ticket: *ticket, uid: uid.as_str().into() })
            }
            Input::Disconnected { conn } => {
                self.forget(*conn);
                None
            }
            Input::Request { conn, request, .. } => {
                let (conn, credit) = (*conn, hub.credit(*conn));
                match request {
                    Request::Send { to, payload } => self.send(hub, Some(conn), *to, payload),
                    Request::Login(uid) => Some(Fed::Login { conn, uid: uid.as_str().into() }),
                    Request::Join(group) if self.reading.knows(conn) => {
                        Some(Fed::Join { conn, group: group.as_str().to_owned(), credit })
                    }
                    Request::Leave(group) if self.reading.knows(conn) => {
                        Some(Fed::Leave { conn, group: group.as_str().to_owned(), credit })
                    }
                    _ => None,
                }
            }
            _ => None,
        };
    }

    fn fed(&mut self, hub: &Hub<Message>, now: Instant) {
        // What is granted is not answered.
        let is_granted =
            |conn, credit| hub.stage(conn) == Stage::Open && hub.credit(conn) == credit;
        match self.fed.take() {
            Some(Fed::Message(sent)) => self.sent(hub, now, sent),
            Some(Fed::Login { conn, uid }) => self.logged_in(hub, Some(conn), &uid),
            Some(Fed::Verdict { ticket, uid }) => {
                let conn = self.tickets.remove(&ticket).or_else(|| newest(hub, &uid));
                self.logged_in(hub, conn, &uid);
            }
            Some(Fed::Join { conn, group, credit }) if is_granted(conn, credit) => {
                self.reading.subscribe(conn, Topic::Group(group), false);
            }
            Some(Fed::Leave { conn, group, credit }) if is_granted(conn, credit) => {
                self.reading.leave(conn, &Topic::Group(group));
            }
            None | Some(Fed::Join { .. } | Fed::Leave { .. }) => {}
        }
    }

    fn output(&mut self, now: Instant, output: &Output<Message>) {
        match output {
            Output::Check { ticket, conn, .. } => {
                self.tickets.insert(*ticket, *conn);
            }
            Output::Drop { conn } => self.forget(*conn),
            Output::Event(Event::Closed { conn, login: Some(login), reason, .. })
                if *login.uid == *self.uid =>
            {
                self.conns.insert(*conn, Some((now, reason.clone())));
                self.closes.push(*conn);
            }
            _ => {}
        }
    }

    fn frame(&mut self, now: Instant, conn: ConnId, frame: &Frame<Message>) {
        let answered = match frame {
            Frame::Message { payload, .. } => return self.told(now, conn, payload.number),
            Frame::Gap { missed } => {
                for open in self.reading.skip(conn, *missed) {
                    self.decide(open, Fate::Missed { at: now });
                }
                return;
            }
            Frame::LoggedIn { .. } => None,
            Frame::Problem(problem) => Some(problem),
            Frame::Ping | Frame::Close(_) => return,
        };
        if let (Some(message), Some(problem)) = (self.answers.read(conn, answered), answered) {
            self.refused(message, problem);
        }
    }
}

/// The newest connection of somebody whose credential was being checked when the recording began.
fn newest(hub: &Hub<Message>, uid: &str) -> Option<ConnId> {
    let sessions = hub.sessions(Name::new(uid).ok()?);
    sessions.max_by_key(|session| session.generation).map(|session| session.conn)
}
