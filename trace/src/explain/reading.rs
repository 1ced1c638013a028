//! How far each of a user's connections has read, and so what a gap stands for.
//!
//! A ring keeps what a reader has not read, up to its limit, and gives way from its oldest message on.
//! So what a reader has lost follows from what was posted alone: all but the newest messages that the
//! limit has room for, whatever others have read.

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::String,
    vec::Vec,
};

use switchboard_core::{Config, ConnId, RingLimit};

/// Where messages for the user come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Everyone,
    User,
    Group(String),
}

/// A message that somebody asks about, as it is meant for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) number: u64,
    /// Which of those found it is, and which of its fates is the connection's.
    pub(super) found: usize,
    pub(super) fate: usize,
}

#[derive(Debug, Default)]
pub(super) struct Reading {
    config: Config,
    rings: BTreeMap<Topic, Ring>,
    readers: BTreeMap<ConnId, Vec<Cursor>>,
}

/// The newest messages of a topic, as many as its limit has room for. Positions count from the
/// recording's beginning.
#[derive(Debug)]
struct Ring {
    limit: RingLimit,
    /// Their numbers and sizes.
    kept: VecDeque<(u64, usize)>,
    bytes: u64,
    end: u64,
}

/// A connection's place in a topic.
#[derive(Debug)]
struct Cursor {
    topic: Topic,
    next: u64,
    /// Where it ends, if the connection has left.
    until: Option<u64>,
    /// It may have more to read, from before the recording began.
    is_older: bool,
    /// What it has not read of what is asked about.
    open: VecDeque<Open>,
}

impl Reading {
    /// What the limits are.
    pub(super) fn begin(&mut self, config: &Config) {
        self.config = config.clone();
    }

    /// The connection reads what comes for everybody and for the user. It may have more to read if it
    /// did so before the recording began.
    pub(super) fn log_in(&mut self, conn: ConnId, is_older: bool) {
        let topics = [Topic::Everyone, Topic::User];
        topics.into_iter().for_each(|topic| self.subscribe(conn, topic, is_older));
    }

    /// It reads what comes there from here on. To do so twice is the same as once.
    pub(super) fn subscribe(&mut self, conn: ConnId, topic: Topic, is_older: bool) {
        let limit = match topic {
            Topic::Everyone => self.config.everyone_ring,
            Topic::User => self.config.user_ring,
            Topic::Group(_) => self.config.group_ring,
        };
        let ring = self.rings.entry(topic.clone()).or_insert_with(|| Ring::new(limit));
        let cursors = self.readers.entry(conn).or_default();
        cursors.retain(|cursor| cursor.until.is_none_or(|until| cursor.next < until));
        if cursors.iter().all(|cursor| cursor.topic != topic || cursor.until.is_some()) {
            let (next, open) = (ring.end, VecDeque::new());
            cursors.push(Cursor { topic, next, until: None, is_older, open });
        }
    }

    /// It reads no more than what has come there.
    pub(super) fn leave(&mut self, conn: ConnId, topic: &Topic) {
        for cursor in self.readers.get_mut(&conn).into_iter().flatten() {
            if let Some(ring) = self.rings.get(topic).filter(|_| cursor.topic == *topic) {
                cursor.until.get_or_insert(ring.end);
            }
        }
    }

    /// It reads nothing more.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.readers.remove(&conn);
    }

    /// Whether it is one of the user's.
    pub(super) fn knows(&self, conn: ConnId) -> bool {
        self.readers.contains_key(&conn)
    }

    /// The user's connections.
    pub(super) fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.readers.keys().copied()
    }

    /// Whether one of those online reads what comes there.
    pub(super) fn reads(&self, topic: &Topic, is_online: impl Fn(ConnId) -> bool) -> bool {
        let is_its = |cursor: &Cursor| cursor.topic == *topic && cursor.until.is_none();
        let mut readers = self.readers.iter();
        readers.any(|(conn, cursors)| cursors.iter().any(is_its) && is_online(*conn))
    }

    /// A message comes. If it is asked about, `found` tells which one it is. Returns the connections
    /// that it is for.
    pub(super) fn post(
        &mut self,
        topic: &Topic,
        number: u64,
        size: usize,
        found: Option<usize>,
        is_online: impl Fn(ConnId) -> bool,
    ) -> Vec<ConnId> {
        let mut conns = Vec::new();
        let Some(ring) = self.rings.get_mut(topic) else { return conns };
        for (conn, cursors) in &mut self.readers {
            let member = cursors.iter_mut().find(|c| c.topic == *topic && c.until.is_none());
            let Some(cursor) = member else { continue };
            if !is_online(*conn) {
                // It has left since the last message.
                cursor.until = Some(ring.end);
            } else if let Some(found) = found {
                cursor.open.push_back(Open { number, found, fate: conns.len() });
                conns.push(*conn);
            }
        }
        ring.post(number, size);
        conns
    }

    /// The connection reads this message. Returns what it has passed, and that comes last if it is
    /// asked about.
    pub(super) fn read(&mut self, conn: ConnId, number: u64) -> Vec<Open> {
        for cursor in self.readers.get_mut(&conn).into_iter().flatten() {
            let at = self.rings.get(&cursor.topic).and_then(|ring| ring.position(number));
            if let Some(at) = at.filter(|at| cursor.has(*at)) {
                return cursor.pass(at + 1, |open| open.number <= number);
            }
        }
        Vec::new()
    }

    /// The connection is told of a gap of so many. Returns those that it stands for.
    pub(super) fn skip(&mut self, conn: ConnId, missed: u64) -> Vec<Open> {
        let cursors = self.readers.get_mut(&conn).map(Vec::as_mut_slice).unwrap_or_default();
        let rings = &self.rings;
        let of = |cursor: &Cursor| rings.get(&cursor.topic);
        // First comes what is lost where nothing is left to read, all at once.
        let is_lost = |cursor: &&mut Cursor| {
            let first = of(cursor).map_or(0, Ring::first);
            cursor.until.is_some_and(|until| cursor.next < until && until <= first)
        };
        let mut lost: Vec<&mut Cursor> = cursors.iter_mut().filter(is_lost).collect();
        let count = lost.iter().filter_map(|cursor| Some(cursor.until? - cursor.next)).sum();
        if !lost.is_empty() && fits(missed, count, lost.iter().any(|cursor| cursor.is_older)) {
            let all = lost.iter_mut().flat_map(|cursor| cursor.pass(u64::MAX, |_| true));
            return all.collect();
        }
        // And else one topic: that of the oldest message that is left.
        let overtaken = cursors.iter_mut().filter_map(|cursor| {
            let ring = of(cursor)?;
            let (first, (number, _)) = (ring.first(), ring.kept.front()?);
            let count = first.checked_sub(cursor.next).filter(|count| *count > 0)?;
            let is_it = cursor.has(first) && fits(missed, count, cursor.is_older);
            is_it.then_some((*number, first, cursor))
        });
        let Some((number, first, cursor)) = overtaken.min_by_key(|(number, ..)| *number) else {
            return Vec::new();
        };
        cursor.pass(first, |open| open.number < number)
    }
}

/// Whether a gap of `missed` may be for so many since the recording began.
fn fits(missed: u64, count: u64, is_older: bool) -> bool {
    missed == count || (is_older && missed > count)
}

impl Ring {
    fn new(limit: RingLimit) -> Self {
        Self { limit, kept: VecDeque::new(), bytes: 0, end: 0 }
    }

    fn first(&self) -> u64 {
        self.end - self.kept.len() as u64
    }

    fn position(&self, number: u64) -> Option<u64> {
        let index = self.kept.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(self.first() + index as u64)
    }

    fn post(&mut self, number: u64, size: usize) {
        self.end += 1;
        self.kept.push_back((number, size));
        self.bytes += size as u64;
        while self.kept.len() > 1
            && (self.kept.len() > self.limit.entries || self.bytes > self.limit.bytes as u64)
        {
            self.bytes -= self.kept.pop_front().map_or(0, |(_, size)| size as u64);
        }
    }
}

impl Cursor {
    /// Whether the message at this position is among those to be read.
    fn has(&self, position: u64) -> bool {
        self.next <= position && self.until.is_none_or(|until| position < until)
    }

    /// Moves on. Returns what it has passed.
    fn pass(&mut self, next: u64, is_passed: impl Fn(&Open) -> bool) -> Vec<Open> {
        self.next = self.until.map_or(next, |until| next.min(until));
        self.is_older = false;
        let count = self.open.iter().take_while(|open| is_passed(open)).count();
        self.open.drain(..count).collect()
    }
}
