//! What a recording begins with that goes on where another ends.

use alloc::vec::Vec;

use postcard::ser_flavors::Flavor;
use switchboard_core::HubState;

use crate::{
    Bodies, Content, Header, Message,
    file::{self, put_block},
    tape::body,
};

/// Bytes of the state that make a block.
const BLOCK: usize = 1 << 20;

/// The first byte of such a block: whether another follows.
pub(crate) const MORE: u8 = 0;
pub(crate) const LAST: u8 = 1;

/// The hub's state, from which a recording goes on in a new file. To take it is quick beside
/// [writing](Self::write) it, for which the hub is not needed any more.
pub struct Beginning<P> {
    pub(crate) header: Header,
    pub(crate) state: HubState<P>,
    pub(crate) bodies: Bodies,
}

impl<P: Content> Beginning<P> {
    /// Writes the file's header and the state, in pieces of about a mebibyte.
    ///
    /// # Errors
    /// The first that `sink` has, which is not called again.
    pub fn write<E>(self, sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut writer = Writer { sink, block: Vec::new(), failed: None };
        writer.put(&file::start(&self.header));
        writer.begin_block();
        let bodies = self.bodies;
        let message = |payload: P| Message::older(body(&payload, bodies));
        let credential = |payload: P| Message::older(body(&payload, Bodies::Hashed));
        let state = self.state.map_payloads(message, credential);
        // What can go wrong is noted in the writer.
        drop(postcard::serialize_with_flavor(&state, Pieces(&mut writer)));
        writer.end_block(LAST);
        writer.failed.map_or(Ok(()), Err)
    }
}

struct Writer<S, E> {
    sink: S,
    /// What the next block holds.
    block: Vec<u8>,
    failed: Option<E>,
}

impl<E, S: FnMut(&[u8]) -> Result<(), E>> Writer<S, E> {
    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = (self.sink)(bytes).err();
        }
    }

    fn begin_block(&mut self) {
        self.block.clear();
        self.block.push(MORE);
    }

    fn end_block(&mut self, mark: u8) {
        self.block[0] = mark;
        let mut framed = Vec::with_capacity(self.block.len() + file::HEAD);
        put_block(&mut framed, &self.block);
        self.put(&framed);
        self.begin_block();
    }
}

/// Where postcard writes to.
struct Pieces<'a, S, E>(&'a mut Writer<S, E>);

impl<E, S: FnMut(&[u8]) -> Result<(), E>> Flavor for Pieces<'_, S, E> {
    type Output = ();

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.block.extend_from_slice(bytes);
        if self.0.block.len() > BLOCK {
            self.0.end_block(MORE);
        }
        match self.0.failed {
            None => Ok(()),
            Some(_) => Err(postcard::Error::SerializeBufferFull),
        }
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
