//! What is to be written.

use std::{collections::VecDeque, mem};

use super::{MAX_PONGS, Peer, State, buffers::give_back};

impl Peer {
    fn writable(&mut self) -> &mut VecDeque<u8> {
        match &mut self.sealed {
            Some(sealed) => &mut sealed.outgoing,
            None => &mut self.outgoing,
        }
    }

    /// What should be written next, if it is not empty. [`wrote`](Self::wrote) tells how much of it
    /// has been.
    pub fn outgoing(&self) -> &[u8] {
        let to_write = self.sealed.as_ref().map_or(&self.outgoing, |sealed| &sealed.outgoing);
        let (next, _) = to_write.as_slices();
        next
    }

    /// Takes all that should be written, for whoever writes it in one go, and comes again when that
    /// is done: what was taken the last time counts as written.
    pub fn take_outgoing(&mut self) -> VecDeque<u8> {
        let taken = mem::take(self.writable());
        self.taken = taken.len();
        self.answer_pings();
        taken
    }

    /// So many bytes of [`outgoing`](Self::outgoing) were written.
    pub fn wrote(&mut self, bytes: usize) {
        let keeps = self.has_borrowed && self.sealed.is_none();
        let to_write = self.writable();
        to_write.drain(..bytes.min(to_write.len()));
        if !keeps {
            give_back(to_write);
        }
        self.answer_pings();
    }

    /// Adds the pongs that waited for room.
    fn answer_pings(&mut self) {
        let room = self.room();
        if let State::Open(codec) = &mut self.state
            && codec.remembers()
        {
            codec.answer_pings(&mut self.incoming, &mut self.outgoing, room);
            self.seal();
        }
    }

    /// What may wait to be written before pongs have to wait.
    pub(super) fn room(&self) -> usize {
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.outgoing.len());
        MAX_PONGS.saturating_sub(sealed)
    }
}
