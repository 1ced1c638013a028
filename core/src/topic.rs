//! A message, stored once, and those who are to read it.
//!
//! Everybody, each uid and each group is a topic. A topic has members, and a ring of the messages
//! that some reader has yet to read. A reader is a [cursor](crate::conn::Cursor) into the ring, so
//! that posting costs the same for one member as for a million, and nobody owns a queue.
//!
//! Positions count a topic's messages from its beginning; the ring holds those from `first` on.

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use slotmap::new_key_type;

#[cfg(feature = "serde")]
mod saved;

use crate::{ConnId, Payload, RingLimit, time::Instant};

new_key_type! {
    pub(crate) struct TopicId;
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum TopicName {
    Everyone,
    User(Arc<str>),
    Group(Arc<str>),
}

impl TopicName {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Everyone => crate::Name::EVERYONE,
            Self::User(name) | Self::Group(name) => name,
        }
    }
}

/// Messages for which an idle topic has room.
const KEPT_CAPACITY: usize = 4;

#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Topic<P> {
    pub(crate) name: TopicName,
    #[cfg_attr(feature = "serde", serde(skip))]
    members: Vec<ConnId>,
    ring: VecDeque<Entry<P>>,
    first: u64,
    #[cfg_attr(feature = "serde", serde(skip))]
    bytes: usize,
    /// Cursors into the ring: those of the members, and of those who left and are still reading.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) readers: usize,
    walk: Walk,
}

#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Entry<P> {
    seq: u64,
    posted: Instant,
    /// Cursors that have not passed this entry.
    #[cfg_attr(feature = "serde", serde(skip))]
    unread: usize,
    payload: P,
}

/// The visit to each member that follows a post.
///
/// It goes from the last member to the first: when a member leaves, the last one takes its place,
/// which can move a visited member among those to visit, never the other way round. A post during a
/// walk asks for another round, because the members already visited may have been pulled empty.
#[derive(Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Walk {
    /// Members with an index below this are yet to be visited.
    left: usize,
    again: bool,
    /// The topic waits for its turn in the hub's queue.
    #[cfg_attr(feature = "serde", serde(skip))]
    queued: bool,
}

impl<P: Payload> Topic<P> {
    pub(crate) fn new(name: TopicName) -> Self {
        Self {
            name,
            members: Vec::new(),
            ring: VecDeque::new(),
            first: 0,
            bytes: 0,
            readers: 0,
            walk: Walk::default(),
        }
    }

    pub(crate) fn members(&self) -> &[ConnId] {
        &self.members
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest message that is kept was posted.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.ring.front().map(|entry| entry.posted)
    }

    /// The position of the oldest message that is kept.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The position that the next message will have.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.ring.len() as u64
    }

    /// Adds a member; returns its index.
    pub(crate) fn add_member(&mut self, conn: ConnId) -> usize {
        self.members.push(conn);
        self.readers += 1;
        self.members.len() - 1
    }

    /// Removes the member at `index`; returns the one that has taken its place, if any has.
    /// It stays a reader until [`release`](Self::release).
    pub(crate) fn remove_member(&mut self, index: usize) -> Option<ConnId> {
        self.members.swap_remove(index);
        self.walk.left = self.walk.left.min(self.members.len());
        self.members.get(index).copied()
    }

    /// Stores a message for all current members, and makes room for it within `limit`.
    /// Returns whether a walk has to be started.
    pub(crate) fn post(&mut self, seq: u64, posted: Instant, payload: P, limit: RingLimit) -> bool {
        self.bytes += payload.size();
        self.ring.push_back(Entry { seq, posted, unread: self.members.len(), payload });
        while self.ring.len() > 1 && (self.ring.len() > limit.entries || self.bytes > limit.bytes) {
            self.pop_front();
        }
        // All may have read what was behind those.
        self.trim();
        if self.walk.left == 0 {
            self.walk.left = self.members.len();
            self.walk.again = false;
        } else {
            self.walk.again = true;
        }
        !core::mem::replace(&mut self.walk.queued, true)
    }

    /// The next member to visit, and whether the topic has to be queued again to go on after it.
    pub(crate) fn walk(&mut self) -> (Option<ConnId>, bool) {
        if self.walk.left == 0 && core::mem::take(&mut self.walk.again) {
            self.walk.left = self.members.len();
        }
        let index = self.walk.left.checked_sub(1);
        self.walk.left = index.unwrap_or(0);
        self.walk.queued = self.walk.left > 0 || self.walk.again;
        (index.map(|index| self.members[index]), self.walk.queued)
    }

    /// The sequence number of the message at `position`.
    pub(crate) fn seq_at(&self, position: u64) -> Option<u64> {
        let index = usize::try_from(position.checked_sub(self.first)?).ok()?;
        self.ring.get(index).map(|entry| entry.seq)
    }

    /// Hands out the message at `position` to one of its readers.
    pub(crate) fn read(&mut self, position: u64) -> Option<(u64, P)> {
        let index = usize::try_from(position.checked_sub(self.first)?).ok()?;
        let entry = self.ring.get_mut(index)?;
        entry.unread -= 1;
        let read = (entry.seq, entry.payload.clone());
        self.trim();
        Some(read)
    }

    /// A reader ends. It will not read what is kept between `from` and `to`.
    pub(crate) fn release(&mut self, from: u64, to: u64) {
        let index = |position: u64| {
            let kept = position.clamp(self.first, self.end()) - self.first;
            usize::try_from(kept).expect("a ring's length fits usize")
        };
        let unread = index(from)..index(to);
        if unread.start < unread.end {
            for entry in self.ring.range_mut(unread) {
                entry.unread -= 1;
            }
            self.trim();
        }
        self.readers -= 1;
    }

    /// Forgets what everybody has read.
    fn trim(&mut self) {
        while self.ring.front().is_some_and(|entry| entry.unread == 0) {
            self.pop_front();
        }
        // An idle topic does not keep what a burst has taken.
        if self.ring.is_empty() && self.ring.capacity() > KEPT_CAPACITY {
            self.ring.shrink_to(KEPT_CAPACITY);
        }
    }

    fn pop_front(&mut self) {
        if let Some(entry) = self.ring.pop_front() {
            self.bytes -= entry.payload.size();
            self.first += 1;
        }
    }

    /// `unread` of each entry, oldest first.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn unread(&self) -> impl Iterator<Item = usize> {
        self.ring.iter().map(|entry| entry.unread)
    }

    /// Whether a visit to its members is under way.
    pub(crate) fn is_walking(&self) -> bool {
        self.walk.queued
    }

    /// Whether the walk that is under way will still visit the member at `index`.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn will_visit(&self, index: usize) -> bool {
        self.walk.queued && (self.walk.again || index < self.walk.left)
    }

    /// Checks that the ring is in order and within `limit`, where `last` is the number of the hub's
    /// last message, and that the walk is one.
    ///
    /// # Errors
    /// Says what is wrong.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn check(
        &self,
        last: u64,
        now: Instant,
        limit: RingLimit,
    ) -> Result<(), &'static str> {
        let ring = &self.ring;
        let in_order = ring.iter().is_sorted_by(|a, b| a.seq < b.seq && a.posted <= b.posted);
        let past = ring.back().is_none_or(|entry| entry.seq <= last && entry.posted <= now);
        let sum = ring.iter().try_fold(0_usize, |sum, e| sum.checked_add(e.payload.size()));
        let walk = &self.walk;
        if !in_order || !past {
            Err("messages that are not in order")
        } else if ring.front().is_some_and(|entry| entry.unread == 0) {
            Err("a message is kept for nobody")
        } else if sum != Some(self.bytes) {
            Err("messages and their bytes disagree")
        } else if ring.len() > limit.entries.max(1) || self.bytes > limit.bytes {
            Err("a ring with more than it can hold")
        } else if walk.left > self.members.len() || (!walk.queued && (walk.left > 0 || walk.again))
        {
            Err("a walk that will not go on")
        } else {
            Ok(())
        }
    }
}
