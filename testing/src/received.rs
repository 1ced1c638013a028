//! What a client receives, as a test wants to name it.

use std::fmt;

use switchboard_core::{CloseReason, Frame};

use crate::Text;

/// A frame that a client has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The login was accepted, as this uid.
    LoggedIn(String),
    /// A message.
    Message(String),
    /// A request was refused; the text of the [`Problem`](crate::Problem).
    Problem(String),
    /// So many messages are gone.
    Gap(u64),
    /// A ping. Clients that answer pings do not show it.
    Ping,
    /// The close frame. Nothing comes after it.
    Close(CloseReason),
}

/// The answer to a login.
pub fn logged_in(uid: &str) -> Received {
    Received::LoggedIn(uid.into())
}

/// A message with this text.
pub fn message(text: &str) -> Received {
    Received::Message(text.into())
}

/// A problem with this text.
pub fn problem(text: &str) -> Received {
    Received::Problem(text.into())
}

/// A gap of so many messages.
pub fn gap(missed: u64) -> Received {
    Received::Gap(missed)
}

/// A close for this reason.
pub fn closed(reason: CloseReason) -> Received {
    Received::Close(reason)
}

impl From<Frame<Text>> for Received {
    fn from(frame: Frame<Text>) -> Self {
        match frame {
            Frame::LoggedIn { uid } => Self::LoggedIn(uid.to_string()),
            Frame::Message { payload, .. } => Self::Message(payload.as_str().into()),
            Frame::Gap { missed } => Self::Gap(missed),
            Frame::Problem(problem) => Self::Problem(problem.to_string()),
            Frame::Ping => Self::Ping,
            Frame::Close(reason) => Self::Close(reason),
        }
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedIn(uid) => write!(f, "the login as {uid:?}"),
            Self::Message(text) => write!(f, "the message {text:?}"),
            Self::Problem(text) => write!(f, "the problem {text:?}"),
            Self::Gap(missed) => write!(f, "a gap of {missed}"),
            Self::Ping => f.write_str("a ping"),
            Self::Close(reason) => match reason.code() {
                Some(code) => write!(f, "a close with {code} ({reason})"),
                None => write!(f, "a close ({reason})"),
            },
        }
    }
}
