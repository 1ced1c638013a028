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
    fed: usize,
}

impl<'a> Pipe<'a> {
    /// Takes what is written until `limit` bytes wait to be.
    pub(super) fn new(
        incoming: &'a mut VecDeque<u8>,
        outgoing: &'a mut VecDeque<u8>,
        limit: usize,
    ) -> Self {
        Self { incoming, outgoing, limit, fed: usize::MAX }
    }

    /// The same, from which no more than so many bytes are read.
    pub(super) fn feeding(self, bytes: usize) -> Self {
        Self { fed: bytes, ..self }
    }
}

impl Read for Pipe<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() || self.fed == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let size = buf.len().min(self.fed);
        let read = self.incoming.read(&mut buf[..size])?;
        self.fed -= read;
        Ok(read)
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
