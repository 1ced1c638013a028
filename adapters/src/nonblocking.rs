//! A client's socket that does not block, for runtimes that tell when it is ready.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::IpAddr,
    sync::Arc,
};

use crate::{
    line::Line,
    peer::{Buffers, Encoded, Peer, PeerConfig, READ_AT_ONCE},
    wire::{Received, ToSend},
};

/// Messages that a turn takes from what was read.
const MESSAGES_AT_ONCE: usize = 64;

/// Batches of frames that a turn writes.
const BATCHES_AT_ONCE: usize = 8;

/// What an adapter knows of a client, apart from its stream, from the handshake to the end.
///
/// Give it a [turn](Self::turn) when its stream may be ready, and when the hub says that its
/// connection is. A turn is short: nobody holds up the others.
#[derive(Debug)]
pub struct Socket {
    peer: Peer,
    reading: Reading,
    writing: Writing,
    /// How much of what the client says the hub takes, as of when it was asked last.
    credit: usize,
    /// The hub has something for it, as far as it was told.
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Messages, as far as the hub wants them.
    Messages,
    /// Bytes that do not matter any more, until the peer closes: to drop the socket earlier could
    /// cost the peer what it has not read yet, the close frame included.
    Rest,
    /// The peer has closed.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// What the hub has, up to the close frame.
    Frames,
    /// All is written.
    Done,
}

/// Memory that is needed in the course of a turn, and not after it.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What has been pulled for the socket before its turn, if [it writes](Socket::writes).
    pub pulled: VecDeque<ToSend>,
    received: Vec<Received>,
    encoded: Encoded,
    bytes: Vec<u8>,
    buffers: Buffers,
}

/// What becomes of a socket after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It wants another turn, after the others have had theirs.
    Again,
    /// Wait until its stream is ready or the hub says that the connection is.
    Wait,
    /// All is written: shut the stream down for writing, and give it another turn.
    ShutDownWrite,
    /// It has ended: drop it, and feed [`Input::Disconnected`](switchboard_core::Input).
    End,
}

/// Why reading stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// There may be more.
    More,
    /// There is no more for the time being.
    Blocked,
    /// The hub wants no more until something has been pulled.
    Paused,
    /// The peer wants no more until something has been written.
    Held,
}

/// Why writing stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// There may be more.
    More,
    /// The stream is full, or there is nothing to write.
    Blocked,
}

/// The stream is of no use any more.
struct Lost;

impl Socket {
    /// Expects a client's handshake from a stream that comes from `address`.
    pub fn new(config: Arc<PeerConfig>, address: Option<IpAddr>) -> Self {
        let (reading, writing) = (Reading::Messages, Writing::Frames);
        Self { peer: Peer::new(config, address), reading, writing, credit: 1, told: false }
    }

    /// The hub may have something for it, or not: it pulls in its turn only if it may.
    pub fn tell(&mut self, may_have_something: bool) {
        self.told = may_have_something;
    }

    /// Whether it would pull what the hub has, if it had a turn.
    pub fn writes(&self) -> bool {
        self.writing == Writing::Frames && !self.peer.is_closed() && self.peer.outgoing().is_empty()
    }

    /// Writes what was pulled, if it can go out as it is. Returns whether that is so, and all is
    /// written: then there is nothing more to write, and a turn is needed only to read.
    pub fn pass_on(&mut self, stream: &mut impl Write, scratch: &mut Scratch) -> bool {
        if scratch.pulled.is_empty() || self.credit == 0 || !self.peer.is_plain() {
            return false;
        }
        let Some(bytes) = scratch.encoded.encode(&scratch.pulled) else { return false };
        scratch.pulled.clear();
        // What is wrong with the stream comes up again in its turn.
        let written = stream.write(bytes).unwrap_or(0);
        self.peer.keep(&bytes[written..]);
        written == bytes.len() && !self.told
    }

    /// Reads a bit, and writes what there is while the stream takes it.
    pub fn turn(&mut self, stream: &mut (impl Read + Write), line: &mut impl Line) -> Turn {
        self.tell(true);
        self.turn_with(stream, line, &mut Scratch::default())
    }

    /// The same for who [tells](Self::tell) it of what the hub has, with memory that one socket
    /// after the other may use.
    pub fn turn_with(
        &mut self,
        stream: &mut (impl Read + Write),
        line: &mut impl Line,
        scratch: &mut Scratch,
    ) -> Turn {
        self.peer.borrow_buffers(&mut scratch.buffers);
        let turn = self.try_turn(stream, line, scratch);
        self.peer.return_buffers(&mut scratch.buffers);
        turn.unwrap_or(Turn::End)
    }

    fn try_turn(
        &mut self,
        stream: &mut (impl Read + Write),
        line: &mut impl Line,
        scratch: &mut Scratch,
    ) -> Result<Turn, Lost> {
        for to_send in scratch.pulled.drain(..) {
            self.peer.send(to_send);
        }
        let read = self.read(stream, line, scratch)?;
        let written = self.write(stream, line, &mut scratch.pulled)?;
        if self.peer.is_closed() && self.reading == Reading::Messages {
            self.reading = Reading::Rest;
        }
        if self.peer.is_closed()
            && self.peer.outgoing().is_empty()
            && self.writing == Writing::Frames
        {
            self.writing = Writing::Done;
            return Ok(Turn::ShutDownWrite);
        }
        let resumed = match read {
            Stopped::Paused => line.credit() > 0,
            Stopped::Held => !self.peer.is_held(),
            Stopped::More | Stopped::Blocked => false,
        };
        Ok(match (self.reading, self.writing) {
            (Reading::Done, Writing::Done) => Turn::End,
            _ if resumed || read == Stopped::More || written == Written::More => Turn::Again,
            _ => Turn::Wait,
        })
    }

    fn read(
        &mut self,
        stream: &mut impl Read,
        line: &mut impl Line,
        Scratch { received, bytes, .. }: &mut Scratch,
    ) -> Result<Stopped, Lost> {
        match self.reading {
            Reading::Messages => {}
            Reading::Rest => return self.read_rest(stream),
            Reading::Done => return Ok(Stopped::Blocked),
        }
        let mut has_read = false;
        let mut left = MESSAGES_AT_ONCE;
        while left > 0 {
            if self.credit == 0 {
                self.credit = line.credit();
            }
            if self.credit == 0 {
                return Ok(Stopped::Paused);
            }
            received.clear();
            self.poll(left.min(self.credit), received);
            if let Some(last) = received.last() {
                left -= received.len();
                self.credit = line.received(received);
                if let Received::Call(request) = last
                    && let Some(service) = self.peer.service()
                {
                    let response = line.call(service, request);
                    self.peer.answer(response);
                }
                if !last.goes_on() {
                    self.reading = Reading::Rest;
                    return Ok(Stopped::More);
                }
            } else if self.peer.is_held() {
                return Ok(Stopped::Held);
            } else if !has_read {
                bytes.resize(READ_AT_ONCE, 0);
                match read(stream, bytes)? {
                    None => return Ok(Stopped::Blocked),
                    Some(0) => return Err(Lost),
                    Some(size) => self.peer.receive(&bytes[..size]),
                }
                has_read = true;
            } else {
                break;
            }
        }
        Ok(Stopped::More)
    }

    /// Takes what has come in whole, up to so many, and to what has to be answered or ends it.
    fn poll(&mut self, limit: usize, received: &mut Vec<Received>) {
        let is_last = |last: &Received| !last.goes_on() || matches!(last, Received::Call(_));
        while received.len() < limit && !received.last().is_some_and(is_last) {
            let Some(next) = self.peer.poll() else { return };
            received.push(next);
        }
    }

    fn read_rest(&mut self, stream: &mut impl Read) -> Result<Stopped, Lost> {
        match read(stream, &mut [0; 4096])? {
            None => Ok(Stopped::Blocked),
            Some(0) => {
                self.reading = Reading::Done;
                Ok(Stopped::Blocked)
            }
            Some(_) => Ok(Stopped::More),
        }
    }

    fn write(
        &mut self,
        stream: &mut impl Write,
        line: &mut impl Line,
        batch: &mut VecDeque<ToSend>,
    ) -> Result<Written, Lost> {
        for _ in 0..BATCHES_AT_ONCE {
            while !self.peer.outgoing().is_empty() {
                match stream.write(self.peer.outgoing()) {
                    Ok(0) => return Err(Lost),
                    Ok(size) => self.peer.wrote(size),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        return Ok(Written::Blocked);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return Err(Lost),
                }
            }
            if self.peer.is_closed() || !self.told {
                return Ok(Written::Blocked);
            }
            self.told = line.pull(batch);
            for to_send in batch.drain(..) {
                self.peer.send(to_send);
            }
        }
        Ok(Written::More)
    }
}

/// How many bytes were read, unless there are none for the time being.
fn read(stream: &mut impl Read, bytes: &mut [u8]) -> Result<Option<usize>, Lost> {
    loop {
        match stream.read(bytes) {
            Ok(size) => return Ok(Some(size)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Lost),
        }
    }
}
