//! What is written down.

use alloc::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use switchboard_core::{ConnId, Input, Payload};

use crate::digest::hash;

/// Something that was done to a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op<'a> {
    /// It was fed, so many microseconds after it was the last time.
    Input {
        /// The time since then.
        after: u64,
        /// What it was fed.
        #[serde(borrow)]
        input: Input<'a, Body<'a>>,
    },
    /// It was asked for outputs, so many times.
    Outputs {
        /// How many times.
        times: u32,
    },
    /// It was asked for frames of a connection, so many times.
    Frames {
        /// Which connection.
        conn: ConnId,
        /// How many times.
        times: u32,
    },
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// Enough to tell it from others.
    Hashed {
        /// Its size in bytes.
        #[serde(deserialize_with = "possible_size")]
        size: usize,
        /// Its [hash](crate::hash()).
        hash: u64,
    },
}

impl Body<'_> {
    /// Its size in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Hashed { size, .. } => *size,
        }
    }

    /// Its [hash](crate::hash()).
    pub fn hash(&self) -> u64 {
        match self {
            Self::Whole(bytes) => hash(bytes),
            Self::Hashed { hash, .. } => *hash,
        }
    }
}

/// The largest message that there is. No file can say that one is larger, and have sums overflow.
const MAX_SIZE: usize = 1 << 30;

pub(crate) fn possible_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let size = usize::deserialize(deserializer)?;
    if size > MAX_SIZE {
        let what = format_args!("a message of {size} bytes, expected at most {MAX_SIZE}");
        return Err(D::Error::custom(what));
    }
    Ok(size)
}

/// A payload that can be recorded. It has at most 1 GiB.
pub trait Content: Payload {
    /// What it consists of.
    fn bytes(&self) -> &[u8];

    /// Its [hash](crate::hash()). Two payloads with the same bytes have the same.
    fn hash(&self) -> u64 {
        hash(self.bytes())
    }
}

impl Content for &str {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Content for Arc<str> {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}
