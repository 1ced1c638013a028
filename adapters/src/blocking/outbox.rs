//! The two halves of a socket that a reading and a writing thread share.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes of control frames that may wait to be written.
const LIMIT: usize = 1 << 10;

/// Control frames (pongs, and the answer to a close frame) that the reader's side of the WebSocket
/// wants written. The writing thread puts them between its own frames.
///
/// When it is full, because the peer pings and does not read, further pongs wait inside of
/// tungstenite, which keeps only the last one.
#[derive(Default)]
pub(super) struct Outbox(Mutex<Vec<u8>>);

impl Outbox {
    /// Moves what waits to the end of `to`.
    pub(super) fn take(&self, to: &mut Vec<u8>) {
        to.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes all of `frames` or nothing.
    fn put(&self, frames: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= LIMIT {
            return Err(ErrorKind::WouldBlock.into());
        }
        waiting.extend_from_slice(frames);
        Ok(frames.len())
    }
}

/// The socket as the reader's WebSocket sees it: it reads from the stream, and during the handshake
/// it also writes there. After that it writes to the outbox.
pub(super) struct ReadHalf<F> {
    pub(super) stream: Arc<TcpStream>,
    pub(super) outbox: Option<Arc<Outbox>>,
    /// Called when there is something in the outbox.
    pub(super) on_write: F,
}

impl<F> Read for ReadHalf<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.stream).read(buf)
    }
}

impl<F: Fn()> Write for ReadHalf<F> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let Some(outbox) = &self.outbox else {
            return (&*self.stream).write(buf);
        };
        let written = outbox.put(buf)?;
        (self.on_write)();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
