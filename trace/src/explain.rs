//! Why somebody did not get a message.

use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use switchboard_core::{
    CloseReason, ConnId, Event, Frame, Hub, Input, Instant, Name, Output, Problem, Request, Stage,
    Target,
};

use crate::{Content, Message, Observer};

/// Which messages are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those with this text and no other.
    Exactly(String),
    /// Those in which this text is found. A recording that has hashes only has none.
    Like(String),
    /// All of them.
    Any,
}

impl Filter {
    fn is(&self, message: &Message) -> bool {
        match self {
            Self::Exactly(text) => message.hash() == crate::hash(text.as_bytes()),
            Self::Like(text) => message.whole().is_some_and(|bytes| {
                let text = text.as_bytes();
                text.is_empty() || bytes.windows(text.len()).any(|part| part == text)
            }),
            Self::Any => true,
        }
    }
}

/// A message that was meant for somebody, among others or not, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The number of the input that brought it.
    pub number: u64,
    /// When it came.
    pub at: Instant,
    /// Who sent it.
    pub from: Sender,
    /// To whom, as in `bob`, `all` or `the group chess`.
    pub to: String,
    /// What it says, if the recording has all of it.
    pub text: Option<String>,
    /// What became of it, for each connection under the uid.
    pub fates: Vec<Fate>,
}

/// Who sent a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Another system.
    Outside,
    /// Somebody logged in.
    User(Arc<str>),
    /// A connection that was not logged in.
    Nobody,
}

/// What became of a message for one of its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was given to a connection to write.
    Told {
        /// When.
        at: Instant,
    },
    /// The connection had fallen behind, and was told of a gap in its place.
    Missed {
        /// When it was told of the gap.
        at: Instant,
    },
    /// The connection closed before it had read so far.
    Closed {
        /// When.
        at: Instant,
        /// Why.
        reason: CloseReason,
    },
    /// The connection had not read so far when the recording ended: its socket was full, or it was
    /// just then.
    Unread,
    /// It was for a group in which the connection was not.
    NotInGroup,
    /// Nobody was online under the uid.
    NotOnline {
        /// When the last one was, and why it closed.
        last: Option<(Instant, CloseReason)>,
    },
    /// The hub did not take it from its sender.
    Refused {
        /// What the sender was told, if it has read it.
        problem: Option<Problem>,
    },
}

/// Looks on at a replay for messages to a uid.
#[derive(Debug)]
pub struct Explain {
    has_begun: bool,
    uid: String,
    filter: Filter,
    found: Vec<Found>,
    /// Who is logged in on which connection.
    uids: BTreeMap<ConnId, Arc<str>>,
    /// Which connections under the uid have closed.
    closed: BTreeMap<ConnId, (Instant, CloseReason)>,
    last: Option<(Instant, CloseReason)>,
    /// The one that is being fed, and how many messages the hub had taken before.
    fed: Option<(Found, u64)>,
    /// Who has asked to be in which group.
    groups: BTreeSet<(ConnId, String)>,
    has_hashes: bool,
    has_texts: bool,
    /// Those that were refused, and whose senders have not read why.
    refused: BTreeMap<ConnId, VecDeque<usize>>,
}

/// A message, and the connections that should read it.
#[derive(Debug)]
struct Found {
    account: Account,
    sender: Option<ConnId>,
    is_to_group: bool,
    fates: Vec<(ConnId, Option<Fate>)>,
}

impl Explain {
    /// Looks for messages to this uid, to everybody and to groups. Who was in a group before the
    /// recording began is not known.
    pub fn new(uid: &str, filter: Filter) -> Self {
        Self {
            has_begun: false,
            uid: uid.to_owned(),
            filter,
            found: Vec::new(),
            uids: BTreeMap::new(),
            closed: BTreeMap::new(),
            last: None,
            fed: None,
            groups: BTreeSet::new(),
            has_hashes: false,
            has_texts: false,
            refused: BTreeMap::new(),
        }
    }

    /// Whether there were messages, and all of them hashes.
    pub fn has_hashes_only(&self) -> bool {
        self.has_hashes && !self.has_texts
    }

    /// What was found, in the order in which it came.
    pub fn finish(self) -> Vec<Account> {
        let closed = self.closed;
        let accounts = self.found.into_iter().map(|found| {
            let Found { mut account, fates, .. } = found;
            account.fates.extend(fates.into_iter().map(|(conn, fate)| {
                let closed = closed.get(&conn).cloned();
                match (fate, closed) {
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
        for user in hub.users(None) {
            let Ok(name) = Name::new(user.uid) else { continue };
            let uid: Arc<str> = user.uid.into();
            let conns = hub.sessions(name).map(|session| session.conn);
            self.uids.extend(conns.map(|conn| (conn, Arc::clone(&uid))));
        }
    }

    fn sender(&self, hub: &Hub<Message>, conn: ConnId) -> Sender {
        match (hub.stage(conn), self.uids.get(&conn)) {
            (Stage::Open, Some(uid)) => Sender::User(Arc::clone(uid)),
            _ => Sender::Nobody,
        }
    }

    fn find(
        &mut self,
        hub: &Hub<Message>,
        at: Instant,
        sender: Option<ConnId>,
        to: Target<'_>,
        message: &Message,
    ) {
        let told = match to {
            Target::User(name) if name.as_str() == self.uid => self.uid.clone(),
            Target::User(_) => return,
            Target::Everyone => Name::EVERYONE.to_owned(),
            Target::Group(name) => alloc::format!("the group {name}"),
        };
        match message.whole() {
            Some(_) => self.has_texts = true,
            None => self.has_hashes = true,
        }
        if !self.filter.is(message) {
            return;
        }
        let members = Name::new(&self.uid).map(|uid| hub.sessions(uid).map(|session| session.conn));
        let is_meant = |conn: &ConnId| match to {
            Target::Group(group) => self.groups.contains(&(*conn, group.as_str().to_owned())),
            _ => true,
        };
        let mut conns: Vec<ConnId> = members.into_iter().flatten().filter(is_meant).collect();
        conns.sort_unstable();
        let account = Account {
            number: message.number,
            at,
            from: sender.map_or(Sender::Outside, |conn| self.sender(hub, conn)),
            to: told,
            text: message.whole().map(|bytes| String::from_utf8_lossy(bytes).to_string()),
            fates: Vec::new(),
        };
        let fates = conns.into_iter().map(|conn| (conn, None)).collect();
        let is_to_group = matches!(to, Target::Group(_));
        let found = Found { account, sender, is_to_group, fates };
        self.fed = Some((found, hub.stats().accepted));
    }

    fn told(&mut self, at: Instant, conn: ConnId, number: u64) {
        let found = self.found.binary_search_by_key(&number, |found| found.account.number);
        let found = found.ok().map(|index| &mut self.found[index].fates);
        let fate = found.and_then(|fates| fates.iter_mut().find(|(of, _)| *of == conn));
        if let Some((_, fate)) = fate {
            *fate = Some(Fate::Told { at });
        }
    }

    /// What has not been read is missing, unless it is read later.
    fn missed(&mut self, at: Instant, conn: ConnId) {
        let fates = self.found.iter_mut().flat_map(|found| &mut found.fates);
        for (_, fate) in fates.filter(|(of, fate)| *of == conn && fate.is_none()) {
            *fate = Some(Fate::Missed { at });
        }
    }

    /// The sender was told why something was refused, the first thing first.
    fn refused(&mut self, conn: ConnId, told: &Problem) {
        let Some(index) = self.refused.get_mut(&conn).and_then(VecDeque::pop_front) else { return };
        if let Some(Fate::Refused { problem }) = self.found[index].account.fates.first_mut() {
            *problem = Some(told.clone());
        }
    }
}

impl Observer for Explain {
    fn input(&mut self, hub: &Hub<Message>, now: Instant, input: &Input<'_, Message>) {
        if !core::mem::replace(&mut self.has_begun, true) {
            self.begin(hub);
        }
        match input {
            Input::Request { conn, request: Request::Send { to, payload }, .. } => {
                self.find(hub, now, Some(*conn), *to, payload);
            }
            Input::Push { to, payload } => self.find(hub, now, None, *to, payload),
            Input::Request { conn, request: Request::Join(group), .. } => {
                self.groups.insert((*conn, group.as_str().to_owned()));
            }
            Input::Request { conn, request: Request::Leave(group), .. } => {
                self.groups.remove(&(*conn, group.as_str().to_owned()));
            }
            _ => {}
        }
    }

    fn fed(&mut self, hub: &Hub<Message>, _: Instant) {
        let Some((mut found, accepted)) = self.fed.take() else { return };
        let fates = &mut found.account.fates;
        if hub.stats().accepted == accepted {
            let is_known = found.sender.is_none() || found.account.from != Sender::Nobody;
            if is_known && found.fates.is_empty() {
                fates.push(Fate::NotOnline { last: self.last.clone() });
            } else {
                fates.push(Fate::Refused { problem: None });
                if let Some(conn) = found.sender {
                    self.refused.entry(conn).or_default().push_back(self.found.len());
                }
            }
            found.fates.clear();
        } else if found.fates.is_empty() {
            fates.push(match found.is_to_group {
                true => Fate::NotInGroup,
                false => Fate::NotOnline { last: self.last.clone() },
            });
        }
        self.found.push(found);
    }

    fn output(&mut self, now: Instant, output: &Output<Message>) {
        match output {
            Output::Event(Event::LoggedIn { conn, login, .. }) => {
                self.uids.insert(*conn, Arc::clone(&login.uid));
            }
            Output::Event(Event::Closed { conn, login, reason, .. }) => {
                self.uids.remove(conn);
                if login.as_ref().is_some_and(|login| *login.uid == *self.uid) {
                    self.last = Some((now, reason.clone()));
                    self.closed.insert(*conn, (now, reason.clone()));
                }
            }
            _ => {}
        }
    }

    fn frame(&mut self, now: Instant, conn: ConnId, frame: &Frame<Message>) {
        match frame {
            Frame::Message { payload, .. } => self.told(now, conn, payload.number),
            Frame::Gap { .. } => self.missed(now, conn),
            Frame::Problem(problem) => self.refused(conn, problem),
            _ => {}
        }
    }
}
