//! The two halves of a socket that a reading and a writing thread share.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Bytes of control frames that may wait to be written.
const LIMIT: usize = 1 << 10;

/// Control frames (pongs, and the answer to a close frame) that the reader's side of the WebSocket
/// wants written. The writing thread puts them between its own frames.
///
/// When it is full, because the peer pings and does not read, further pongs wait inside of
/// tungstenite, which keeps only the last one.
#[derive(Default)]
pub(super) struct Outbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    frames: Vec<u8>,
    /// The answer to the peer's close frame was among them: the last frame there may be.
    closing: bool,
}

impl Outbox {
    /// Moves what waits to the end of `to`. Returns whether the peer's close frame is, or has been,
    /// answered with that.
    pub(super) fn take(&self, to: &mut Vec<u8>) -> bool {
        let mut waiting = self.lock();
        to.append(&mut waiting.frames);
        waiting.closing
    }

    /// Takes all of `frames` or nothing.
    fn put(&self, frames: &[u8], closing: bool) -> io::Result<usize> {
        let mut waiting = self.lock();
        if waiting.frames.len() >= LIMIT && !closing {
            return Err(ErrorKind::WouldBlock.into());
        }
        waiting.frames.extend_from_slice(frames);
        waiting.closing |= closing;
        Ok(frames.len())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket as the reader's WebSocket sees it: it reads from the stream, and during the handshake
/// it also writes there. After that it writes to the outbox.
pub(super) struct ReadHalf<F> {
    pub(super) stream: Arc<TcpStream>,
    pub(super) outbox: Option<Arc<Outbox>>,
    /// What is written from here on answers the peer's close frame.
    pub(super) closing: bool,
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
        let written = outbox.put(buf, self.closing)?;
        (self.on_write)();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
