//! The file: a header and blocks, each of which proves itself.

use alloc::vec::Vec;
use core::{fmt, mem, ops::Range};

use serde::{Deserialize, Serialize};
use switchboard_core::{Config, HubState, Instant};

use crate::{
    Digest, Message, Replay,
    beginning::{LAST, MORE},
};

/// What a file begins with.
pub const MAGIC: [u8; 8] = *b"swbtrace";

/// The version of what follows.
pub const VERSION: u16 = 2;

/// Bytes before the first block.
const START: usize = MAGIC.len() + size_of::<u16>();

/// Bytes before what a block holds.
pub(crate) const HEAD: usize = 8;

/// The most that a block holds: no more is read for a size that is nonsense.
const MAX_BLOCK: usize = 256 << 20;

/// How it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The hub's settings.
    pub config: Config,
    /// The hub's time at the beginning.
    pub start: Instant,
    /// The same on the wall: microseconds since 1970 (UTC).
    pub started_at: u64,
    /// It goes on where another file ends: the next blocks are the hub's state.
    pub is_continued: bool,
}

/// How far it has come at the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Operations in the block.
    pub ops: u64,
    /// What everybody was told until then.
    pub digest: Digest,
}

/// What is wrong with a file, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceError {
    /// It does not begin as a recording.
    NotATrace,
    /// It is a recording of another version.
    Version(u16),
    /// It ends within a block: the server has crashed, or is still writing.
    Torn {
        /// Where the block begins.
        at: usize,
    },
    /// A block is not what was written.
    Corrupt {
        /// Where the block begins.
        at: usize,
    },
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATrace => f.write_str("this is not a recording"),
            Self::Version(version) => {
                write!(f, "the recording has version {version}, this reads version {VERSION}")
            }
            Self::Torn { at } => write!(f, "the recording is torn in the block at byte {at}"),
            Self::Corrupt { at } => write!(f, "the block at byte {at} is damaged"),
        }
    }
}

impl core::error::Error for TraceError {}

/// A recording in memory.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    bytes: &'a [u8],
}

impl<'a> Trace<'a> {
    /// One that is in these bytes.
    ///
    /// # Errors
    /// They do not begin as a recording of this version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, TraceError> {
        let magic = bytes.get(..MAGIC.len());
        let version = bytes.get(MAGIC.len()..START).and_then(|bytes| bytes.try_into().ok());
        match (magic, version.map(u16::from_le_bytes)) {
            (Some(magic), _) if magic != MAGIC => Err(TraceError::NotATrace),
            (Some(_), Some(VERSION)) => Ok(Self { bytes }),
            (Some(_), Some(version)) => Err(TraceError::Version(version)),
            _ => Err(TraceError::NotATrace),
        }
    }

    /// A hub as it was at the beginning, and what happened to it.
    ///
    /// # Errors
    /// The header is torn or damaged, or the state from which it goes on.
    pub fn replay(self) -> Result<(Replay, Blocks<'a>), TraceError> {
        let mut blocks = Blocks::new(&self.bytes[START..], START);
        let at = blocks.at;
        let header = blocks.next().unwrap_or(Err(TraceError::Torn { at }))?;
        let header: Header =
            postcard::from_bytes(header.bytes).map_err(|_| TraceError::Corrupt { at })?;
        if !header.is_continued {
            return Ok((Replay::new(header), blocks));
        }
        let at = blocks.at;
        let state = blocks.state()?;
        let state: HubState<Message> =
            postcard::from_bytes(&state).map_err(|_| TraceError::Corrupt { at })?;
        if state.config() != &header.config {
            return Err(TraceError::Corrupt { at });
        }
        let replay = Replay::go_on(header, state).map_err(|_| TraceError::Corrupt { at })?;
        Ok((replay, blocks))
    }
}

/// The blocks of a recording. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
    /// Where the rest begins in the file.
    at: usize,
}

/// A block that is what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Where it begins in the file.
    pub at: usize,
    /// What it holds.
    pub bytes: &'a [u8],
}

impl Block<'_> {
    /// Where it ends in the file.
    pub fn end(&self) -> usize {
        self.at + HEAD + self.bytes.len()
    }
}

impl<'a> Blocks<'a> {
    /// Those in a part of a file, which begins with one at byte `at`.
    pub fn new(part: &'a [u8], at: usize) -> Self {
        Self { rest: part, at }
    }

    /// Where the next one begins in the file.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The hub's state, put together.
    fn state(&mut self) -> Result<Vec<u8>, TraceError> {
        let mut state = Vec::new();
        loop {
            let at = self.at;
            let block = self.next().unwrap_or(Err(TraceError::Torn { at }))?;
            match block.bytes.split_first() {
                Some((&MORE, part)) => state.extend_from_slice(part),
                Some((&LAST, part)) => {
                    state.extend_from_slice(part);
                    return Ok(state);
                }
                _ => return Err(TraceError::Corrupt { at }),
            }
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let block = match check_block(rest) {
            Ok(Some(range)) => {
                self.rest = &rest[range.end..];
                self.at += range.end;
                return Some(Ok(Block { at, bytes: &rest[range] }));
            }
            Ok(None) => Err(TraceError::Torn { at }),
            Err(Damaged) => Err(TraceError::Corrupt { at }),
        };
        Some(block)
    }
}

/// A block is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Damaged;

/// Where the block's content is, if these bytes begin with a whole block.
fn check_block(bytes: &[u8]) -> Result<Option<Range<usize>>, Damaged> {
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else { return Ok(None) };
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let size = usize::try_from(word(0)).map_err(|_| Damaged)?;
    if size == 0 {
        // No block is empty: so ends a file whose last part never came to the disk.
        return Ok(None);
    }
    if size > MAX_BLOCK {
        return Err(Damaged);
    }
    match rest.get(..size) {
        None => Ok(None),
        Some(content) if crc32fast::hash(content) == word(4) => Ok(Some(HEAD..HEAD + size)),
        Some(_) => Err(Damaged),
    }
}

/// The beginning of a file.
pub(crate) fn start(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::from(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    put_block(&mut bytes, &write(header));
    bytes
}

/// Adds a block of what is in these.
pub(crate) fn put_block(to: &mut Vec<u8>, content: &[u8]) {
    let size = u32::try_from(content.len()).expect("a block is far below 4 GiB");
    to.extend(size.to_le_bytes());
    to.extend(crc32fast::hash(content).to_le_bytes());
    to.extend_from_slice(content);
}

pub(crate) fn write(what: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(what).expect("memory takes it")
}
