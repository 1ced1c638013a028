//! The buffers of peers: an idle one has none, and those that have a turn share theirs.

use std::{collections::VecDeque, mem};

use super::Peer;

/// Bytes beyond what is left in a buffer that stay with it, so that it is not made anew each time.
const SPARE_BUFFER: usize = 1 << 10;

/// Bytes of buffer that stay with whoever lends them.
const LENT_BUFFER: usize = 64 << 10;

/// Buffers that one peer after the other may use.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    incoming: VecDeque<u8>,
    outgoing: VecDeque<u8>,
}

impl Peer {
    /// Uses these buffers until it [returns](Self::return_buffers) them, where it has none of its
    /// own: so peers that are served one after the other need not allocate any.
    pub(crate) fn borrow_buffers(&mut self, buffers: &mut Buffers) {
        self.has_borrowed = true;
        borrow(&mut self.incoming, &mut buffers.incoming);
        borrow(&mut self.outgoing, &mut buffers.outgoing);
    }

    /// Returns the buffers, but for those in which something is left.
    pub(crate) fn return_buffers(&mut self, buffers: &mut Buffers) {
        self.has_borrowed = false;
        give_to(&mut self.incoming, &mut buffers.incoming);
        give_to(&mut self.outgoing, &mut buffers.outgoing);
    }
}

/// An idle connection has no buffers.
pub(super) fn give_back(buffer: &mut VecDeque<u8>) {
    if buffer.is_empty() {
        *buffer = VecDeque::new();
    }
}

fn borrow(buffer: &mut VecDeque<u8>, from: &mut VecDeque<u8>) {
    if buffer.capacity() == 0 {
        mem::swap(buffer, from);
    }
}

fn give_to(buffer: &mut VecDeque<u8>, lender: &mut VecDeque<u8>) {
    if !buffer.is_empty() {
        // Not with room for many others.
        if buffer.capacity() > 2 * buffer.len() + SPARE_BUFFER {
            buffer.shrink_to(buffer.len() + SPARE_BUFFER);
        }
    } else if lender.capacity() == 0 {
        mem::swap(buffer, lender);
        lender.shrink_to(LENT_BUFFER);
    } else {
        *buffer = VecDeque::new();
    }
}
