//! A topic's way through a hub's state: what follows from the connections stays out.

use alloc::vec::Vec;

use super::{Entry, Topic, Walk};
use crate::{Payload, unread::Unread};

impl<P: Payload> Topic<P> {
    /// What is to be written.
    pub(crate) fn save(&self) -> Self {
        Self {
            name: self.name.clone(),
            members: Vec::new(),
            ring: self.ring.clone(),
            first: self.first,
            bytes: 0,
            readers: 0,
            walk: Walk { queued: false, ..self.walk },
        }
    }

    /// Counts the bytes of what was read. Returns the sum of these and `before`, unless that cannot
    /// be.
    pub(crate) fn restore_bytes(&mut self, before: usize) -> Option<usize> {
        let mut sizes = self.ring.iter().map(|entry| entry.payload.size());
        self.bytes = sizes.try_fold(0, usize::checked_add)?;
        before.checked_add(self.bytes)
    }

    /// Takes word of those who have yet to read something, members or not.
    pub(crate) fn restore_readers(&mut self, readers: usize, unread: &Unread) {
        self.readers = readers;
        for (entry, unread) in self.ring.iter_mut().zip(unread.counts()) {
            entry.unread = unread;
        }
    }

    /// Takes word of a place in the hub's queue. Returns whether there was one before.
    pub(crate) fn restore_walk(&mut self) -> bool {
        core::mem::replace(&mut self.walk.queued, true)
    }
}

impl<P> Topic<P> {
    /// The same with other payloads.
    pub(crate) fn map_payloads<Q>(self, mut to: impl FnMut(P) -> Q) -> Topic<Q> {
        let entries = self.ring.into_iter().map(|Entry { seq, posted, unread, payload }| Entry {
            seq,
            posted,
            unread,
            payload: to(payload),
        });
        Topic {
            name: self.name,
            members: self.members,
            ring: entries.collect(),
            first: self.first,
            bytes: self.bytes,
            readers: self.readers,
            walk: self.walk,
        }
    }
}

#[cfg(feature = "testing")]
impl<P> Topic<P> {
    /// The position of the oldest message that is kept.
    pub(crate) fn first_kept(&self) -> u64 {
        self.first
    }

    /// The numbers of the messages that are kept.
    pub(crate) fn seqs(&self) -> impl Iterator<Item = u64> {
        self.ring.iter().map(|entry| entry.seq)
    }

    /// Counts positions from `base` on, and puts other numbers for those of messages.
    pub(crate) fn canonical(
        &mut self,
        base: u64,
        seq: impl Fn(u64) -> u64,
        mut payload: impl FnMut(&mut P),
    ) {
        self.first -= base;
        for entry in &mut self.ring {
            entry.seq = seq(entry.seq);
            entry.posted = crate::time::Instant::ZERO;
            payload(&mut entry.payload);
        }
    }
}
