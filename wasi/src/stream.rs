//! A connection's streams, as the adapters' shared code wants them: they do not block.

use std::io::{self, ErrorKind, Read, Write};

use wasip2::{
    io::{
        poll::Pollable,
        streams::{InputStream, OutputStream, StreamError},
    },
    sockets::tcp::{ShutdownType, TcpSocket},
};

/// A connection's streams.
///
/// A pollable of WASI is ready for as long as there is something. Only what said that it would
/// block is [waited for](Self::waits_for): who does not read for the time being is not woken again
/// and again because it could.
#[derive(Debug)]
pub(crate) struct Stream {
    readable: Pollable,
    writable: Pollable,
    input: InputStream,
    output: OutputStream,
    // Dropped last: the others are parts of it.
    socket: TcpSocket,
    read_blocked: bool,
    write_blocked: bool,
    /// What was written is on its way to the system, and then there will be no more.
    ending: bool,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Stream {
    pub(crate) fn new(socket: TcpSocket, input: InputStream, output: OutputStream) -> Self {
        Self {
            readable: input.subscribe(),
            writable: output.subscribe(),
            input,
            output,
            socket,
            read_blocked: false,
            write_blocked: false,
            ending: false,
        }
    }

    /// What is to be polled for it.
    pub(crate) fn waits_for(&self) -> impl Iterator<Item = (Direction, &Pollable)> {
        let read = self.read_blocked.then_some((Direction::Read, &self.readable));
        let write = self.write_blocked.then_some((Direction::Write, &self.writable));
        read.into_iter().chain(write)
    }

    /// It need not be waited for any more.
    pub(crate) fn is_ready(&mut self, direction: Direction) {
        match direction {
            Direction::Read => self.read_blocked = false,
            Direction::Write => self.write_blocked = false,
        }
    }

    /// Shuts down for writing when all that was written has gone out, which [`end`](Self::end) has
    /// to be asked for until then.
    pub(crate) fn shut_down_write(&mut self) -> io::Result<()> {
        self.output.flush().map_err(error)?;
        self.ending = true;
        self.end()
    }

    /// Goes on with [`shut_down_write`](Self::shut_down_write), if that was asked for.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if self.ending && self.room()? > 0 {
            self.ending = false;
            let ended = self.socket.shutdown(ShutdownType::Send);
            return ended.map_err(|code| io::Error::other(code.name()));
        }
        Ok(())
    }

    /// Writes what goes in at once, for a stream that is then dropped.
    pub(crate) fn answer(mut self, response: &[u8]) {
        // What fails here fails because the peer has gone.
        drop(self.write(response));
        drop(self.shut_down_write());
        // A socket that is dropped with something unread resets the connection, and the answer
        // could be lost.
        drop(self.input.read(4096));
    }

    /// How many bytes it takes.
    fn room(&mut self) -> io::Result<usize> {
        let room = self.output.check_write().map_err(error)?;
        self.write_blocked = room == 0;
        Ok(usize::try_from(room).unwrap_or(usize::MAX))
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buf.len() as u64) {
            Ok(bytes) if bytes.is_empty() => {
                self.read_blocked = true;
                Err(ErrorKind::WouldBlock.into())
            }
            Ok(bytes) => {
                let (to, _) = buf.split_at_mut(bytes.len());
                to.copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Err(StreamError::Closed) => Ok(0),
            Err(failed) => Err(error(failed)),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let size = self.room()?.min(buf.len());
        if size == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.output.write(&buf[..size]).map_err(error)?;
        Ok(size)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn error(error: StreamError) -> io::Error {
    match error {
        StreamError::Closed => ErrorKind::BrokenPipe.into(),
        StreamError::LastOperationFailed(why) => io::Error::other(why.to_debug_string()),
    }
}
