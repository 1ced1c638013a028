//! The body of a request: where it ends, and what is in it (RFC 9112, 6 and 7).

use std::{collections::VecDeque, mem};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Version,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use httparse::{EMPTY_HEADER, Status};

use super::{Wrong, head::MAX_HEAD};

/// Bytes that the line before a chunk can have, with what it says beside the size.
const MAX_CHUNK_LINE: usize = 256;

/// Headers that can follow the last chunk.
const MAX_TRAILERS: usize = 64;

const TOO_LARGE: Wrong = Wrong::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");

/// How a request says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes; none if there is no body.
    Length(u64),
    /// With a chunk of no bytes.
    Chunked,
}

impl Framing {
    /// What there is to read of the request with this head.
    ///
    /// # Errors
    /// Those who read it before may have found another end (RFC 9112, 6.3 and 11.2).
    pub(crate) fn of(request: &Request<()>) -> Result<Self, Wrong> {
        let headers = request.headers();
        let length = length(headers)?;
        if !headers.contains_key(TRANSFER_ENCODING) {
            return Ok(Self::Length(length.unwrap_or(0)));
        }
        if request.version() == Version::HTTP_10 {
            return Err(Wrong::bad("HTTP/1.0 has no Transfer-Encoding"));
        }
        if length.is_some() {
            return Err(Wrong::bad("Transfer-Encoding and Content-Length exclude each other"));
        }
        let lines = headers.get_all(TRANSFER_ENCODING).into_iter().map(HeaderValue::as_bytes);
        let codings = lines.flat_map(|line| line.split(|&byte| byte == b','));
        let mut times = 0;
        for coding in codings.map(<[u8]>::trim_ascii).filter(|coding| !coding.is_empty()) {
            if !coding.eq_ignore_ascii_case(b"chunked") {
                return Err(Wrong::new(
                    StatusCode::NOT_IMPLEMENTED,
                    "the only Transfer-Encoding that is known here is chunked",
                ));
            }
            times += 1;
        }
        if times != 1 {
            return Err(Wrong::bad("Transfer-Encoding must be chunked, once"));
        }
        Ok(Self::Chunked)
    }
}

fn length(headers: &HeaderMap) -> Result<Option<u64>, Wrong> {
    let mut lines = headers.get_all(CONTENT_LENGTH).into_iter().map(HeaderValue::as_bytes);
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(digits @ [_, ..]), None) if digits.iter().all(u8::is_ascii_digit) => {
            let digits = digits.iter().map(|digit| u64::from(digit - b'0'));
            // What does not fit is too large for any limit.
            Ok(Some(
                digits.fold(0u64, |length, digit| length.saturating_mul(10).saturating_add(digit)),
            ))
        }
        _ => Err(Wrong::bad("Content-Length must be a number, once")),
    }
}

/// A body that comes in.
///
/// ```text
///   Length --> Whole
///   Size --> Chunk --> ChunkEnd --> Size ...
///      \--> Trailers --> Whole
/// ```
#[derive(Debug)]
pub(crate) struct Body {
    state: State,
    content: Vec<u8>,
    /// The most bytes that the content can have.
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are to come, and that is all.
    Length(usize),
    /// The line before a chunk is to come.
    Size,
    /// So many bytes of a chunk are to come.
    Chunk(usize),
    /// The line break after a chunk is to come.
    ChunkEnd,
    /// What follows the last chunk is to come: headers, which do not count, and an empty line.
    Trailers,
    Whole,
}

impl Body {
    /// A body with at most `limit` bytes of content.
    ///
    /// # Errors
    /// It is known to have more.
    pub(crate) fn new(framing: Framing, limit: usize) -> Result<Self, Wrong> {
        let (state, limit) = match framing {
            Framing::Chunked => (State::Size, limit),
            Framing::Length(length) => {
                let length = usize::try_from(length).ok().filter(|length| *length <= limit);
                let length = length.ok_or(TOO_LARGE)?;
                (State::Length(length), length)
            }
        };
        Ok(Self { state, content: Vec::new(), limit })
    }

    /// Takes what belongs to it from the front of what came in. Returns all of it, once.
    ///
    /// # Errors
    /// It is too large, or its chunks are malformed.
    pub(crate) fn read(&mut self, incoming: &mut VecDeque<u8>) -> Result<Option<Bytes>, Wrong> {
        while let Some(next) = self.step(incoming)? {
            self.state = next;
            if next == State::Whole {
                return Ok(Some(Bytes::from(mem::take(&mut self.content))));
            }
        }
        Ok(None)
    }

    #[cfg(test)]
    pub(crate) fn buffered(&self) -> usize {
        self.content.capacity()
    }

    /// The next state, unless more bytes have to come in for that.
    fn step(&mut self, incoming: &mut VecDeque<u8>) -> Result<Option<State>, Wrong> {
        Ok(match self.state {
            State::Length(rest) => match rest - self.take(rest, incoming) {
                0 => Some(State::Whole),
                rest => self.stays(State::Length(rest)),
            },
            State::Chunk(rest) => match rest - self.take(rest, incoming) {
                0 => Some(State::ChunkEnd),
                rest => self.stays(State::Chunk(rest)),
            },
            State::Size => match chunk_size(incoming)? {
                None => None,
                Some(0) => Some(State::Trailers),
                Some(size) => {
                    let room = (self.limit - self.content.len()) as u64;
                    let size = usize::try_from(size).ok().filter(|_| size <= room);
                    Some(State::Chunk(size.ok_or(TOO_LARGE)?))
                }
            },
            State::ChunkEnd => match (incoming.front(), incoming.get(1)) {
                (Some(b'\r'), Some(b'\n')) => {
                    incoming.drain(..2);
                    Some(State::Size)
                }
                (None | Some(b'\r'), None) => None,
                _ => return Err(Wrong::bad("a chunk is longer than it says")),
            },
            State::Trailers => trailers(incoming)?.then_some(State::Whole),
            State::Whole => None,
        })
    }

    fn stays(&mut self, state: State) -> Option<State> {
        self.state = state;
        None
    }

    /// Takes up to so many bytes of content. Returns how many there were.
    fn take(&mut self, most: usize, incoming: &mut VecDeque<u8>) -> usize {
        let size = most.min(incoming.len());
        let (len, capacity) = (self.content.len(), self.content.capacity());
        if len + size > capacity {
            // As it would grow by itself, but not beyond what it can come to.
            self.content.reserve_exact((2 * capacity).clamp(len + size, self.limit) - len);
        }
        self.content.extend(incoming.drain(..size));
        size
    }
}

/// The size of the next chunk (RFC 9112, 7.1), whose line is taken.
fn chunk_size(incoming: &mut VecDeque<u8>) -> Result<Option<u64>, Wrong> {
    const MALFORMED: Wrong = Wrong::bad("the size of a chunk is malformed");
    let reach = incoming.len().min(MAX_CHUNK_LINE);
    let line = &incoming.make_contiguous()[..reach];
    // To httparse, an empty size is zero.
    if line.first().is_some_and(|first| !first.is_ascii_hexdigit()) {
        return Err(MALFORMED);
    }
    match httparse::parse_chunk_size(line) {
        Ok(Status::Complete((end, size))) => {
            // To httparse, what follows a semicolon can be anything, a line break included.
            if line[..end - 2].contains(&b'\n') {
                return Err(MALFORMED);
            }
            incoming.drain(..end);
            Ok(Some(size))
        }
        Ok(Status::Partial) if reach < MAX_CHUNK_LINE => Ok(None),
        _ => Err(MALFORMED),
    }
}

/// Takes what follows the last chunk (RFC 9112, 7.1.2), if it has come in whole.
fn trailers(incoming: &mut VecDeque<u8>) -> Result<bool, Wrong> {
    let reach = incoming.len().min(MAX_HEAD);
    let bytes = &incoming.make_contiguous()[..reach];
    let mut headers = [EMPTY_HEADER; MAX_TRAILERS];
    match httparse::parse_headers(bytes, &mut headers) {
        Ok(Status::Complete((size, _))) => {
            super::head::line_breaks(&bytes[..size])?;
            incoming.drain(..size);
            Ok(true)
        }
        Ok(Status::Partial) if reach < MAX_HEAD => Ok(false),
        _ => Err(Wrong::bad("what follows the last chunk is malformed or too long")),
    }
}
