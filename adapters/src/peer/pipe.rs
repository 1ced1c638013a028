//! The stream that tungstenite reads from and writes to: two buffers.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
};

/// Bytes that may wait to be written before pongs have to wait, of which tungstenite keeps only the
/// last. It answers the earlier ones, too (RFC 6455, 5.5.3).
const LIMIT: usize = 1 << 10;

/// Bytes that came, and bytes to be written.
pub(super) struct Pipe<'a> {
    incoming: &'a mut VecDeque<u8>,
    outgoing: &'a mut VecDeque<u8>,
    limit: usize,
}

impl<'a> Pipe<'a> {
    pub(super) fn new(incoming: &'a mut VecDeque<u8>, outgoing: &'a mut VecDeque<u8>) -> Self {
        Self { incoming, outgoing, limit: LIMIT }
    }

    /// For what must not wait.
    pub(super) fn unlimited(
        incoming: &'a mut VecDeque<u8>,
        outgoing: &'a mut VecDeque<u8>,
    ) -> Self {
        Self { incoming, outgoing, limit: usize::MAX }
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
