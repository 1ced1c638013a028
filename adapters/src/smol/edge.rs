//! A stream, and what the system has said of it. It speaks once for each change (edge-triggered), so
//! that it need not be asked anew each time, and what it has said must be remembered.

use std::io::{self, ErrorKind, Read, Write};

use mio::event::Event;

use crate::listener::Stream;

/// What can be done with a stream without waiting, as far as is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Readiness {
    readable: bool,
    writable: bool,
    /// The end is among what there is to read.
    ends: bool,
}

impl Readiness {
    /// A new stream may have anything.
    pub(super) fn new() -> Self {
        Self { readable: true, writable: true, ends: false }
    }

    /// Whether there may be something to read.
    pub(super) fn may_read(&self) -> bool {
        self.readable
    }

    /// Takes word of the system.
    pub(super) fn learn(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed();
        self.writable |= event.is_writable() || event.is_write_closed();
        self.ends |= event.is_read_closed() || event.is_error();
    }
}

/// A stream that is asked only for what it may have.
pub(super) struct Edge<'a> {
    pub(super) stream: &'a Stream,
    pub(super) readiness: &'a mut Readiness,
}

impl Read for Edge<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.readiness.readable {
            return Err(ErrorKind::WouldBlock.into());
        }
        let read = self.stream.read(buf);
        self.readiness.readable = match &read {
            // Less than there was room for is all there was (epoll(7)), but for the end.
            Ok(size) => *size == buf.len() || self.readiness.ends,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        read
    }
}

impl Write for Edge<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.readiness.writable {
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = self.stream.write(buf);
        if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            self.readiness.writable = false;
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
