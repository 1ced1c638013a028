//! A topic's way through a hub's state: what follows from the connections stays out.

use alloc::vec::Vec;

use super::Topic;
use crate::{Payload, unread::Unread};

impl<P: Payload> Topic<P> {
    /// What is to be written.
    pub(crate) fn save(&self) -> Self {
        Self {
            name: self.name.clone(),
            members: Vec::new(),
            ring: self.ring.clone(),
            walk: self.walk.clone(),
            ..*self
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
