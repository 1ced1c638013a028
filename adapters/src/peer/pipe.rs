//! The stream that tungstenite reads from and writes to: two buffers.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
};

/// Bytes that came, and bytes to be written.
pub(super) struct Pipe<'a> {
    incoming: &'a mut VecDeque<u8>,
    outgoing: &'a mut VecDeque<u8>,
    limit: usize,
}

impl<'a> Pipe<'a> {
    /// Takes what is written until `limit` bytes wait to be.
    pub(super) fn new(
        incoming: &'a mut VecDeque<u8>,
        outgoing: &'a mut VecDeque<u8>,
        limit: usize,
    ) -> Self {
        Self { incoming, outgoing, limit }
    }
}

impl Read for Pipe<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.incoming.read(buf)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.outgoing.len() >= self.limit {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.outgoing.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
