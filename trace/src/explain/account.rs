//! What is asked, and what is answered.

use alloc::{string::String, sync::Arc, vec::Vec};

use switchboard_core::{CloseReason, Instant, Problem};

use crate::{Content, Message};

/// Which messages are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those with this text and no other.
    Exactly(String),
    /// Those in which this text is found. A recording that has hashes only has none.
    Like(String),
    /// All of them.
    Any,
}

impl Filter {
    pub(super) fn is(&self, message: &Message) -> bool {
        match self {
            Self::Exactly(text) => message.hash() == crate::hash(text.as_bytes()),
            Self::Like(text) => message.whole().is_some_and(|bytes| {
                let text = text.as_bytes();
                text.is_empty() || bytes.windows(text.len()).any(|part| part == text)
            }),
            Self::Any => true,
        }
    }
}

/// A message that was meant for somebody, among others or not, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The number of the input that brought it.
    pub number: u64,
    /// When it came.
    pub at: Instant,
    /// Who sent it.
    pub from: Sender,
    /// To whom, as in `bob`, `all` or `the group chess`.
    pub to: String,
    /// What it says, if the recording has all of it.
    pub text: Option<String>,
    /// What became of it, for each connection under the uid.
    pub fates: Vec<Fate>,
}

/// Who sent a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Another system.
    Outside,
    /// Somebody logged in.
    User(Arc<str>),
    /// A connection that was not logged in.
    Nobody,
}

/// What became of a message for one of its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was given to a connection to write.
    Told {
        /// When.
        at: Instant,
    },
    /// The connection had fallen behind, and was told of a gap in its place.
    Missed {
        /// When it was told of the gap.
        at: Instant,
    },
    /// The connection closed before it had read so far.
    Closed {
        /// When.
        at: Instant,
        /// Why.
        reason: CloseReason,
    },
    /// The connection had not read so far when the recording ended: its socket was full, or it was
    /// just then.
    Unread,
    /// It was for a group in which the connection was not.
    NotInGroup,
    /// Nobody was online under the uid.
    NotOnline {
        /// When the last one was, and why it closed.
        last: Option<(Instant, CloseReason)>,
    },
    /// The hub did not take it from its sender.
    Refused {
        /// What the sender was told, if it has read it.
        problem: Option<Problem>,
    },
}
