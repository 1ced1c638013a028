//! All that the hub decides.

use alloc::sync::Arc;
use core::{fmt, time::Duration};

use crate::{CloseReason, Closes, ConnId, Denial, NameError, Ticket, time::Instant};

/// What the adapter has to do or may want to know, from
/// [`Hub::poll_output`](crate::Hub::poll_output).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Output<P> {
    /// There is something to [pull](crate::Hub::poll_frame) for this connection. It is said again
    /// only after the connection has been pulled empty. The exception is a walk over many members
    /// that all know already: it repeats itself once in a while, so that no call takes long.
    Ready {
        /// Which connection.
        conn: ConnId,
    },
    /// Drop the socket. The hub has forgotten the connection.
    Drop {
        /// Which connection.
        conn: ConnId,
    },
    /// Have this credential checked, and tell the [verdict](crate::Input::Verdict) some time. The
    /// connection is not read until then. It may be gone by then.
    Check {
        /// What the verdict refers to.
        ticket: Ticket,
        /// Which connection.
        conn: ConnId,
        /// What it has sent.
        credential: P,
    },
    /// Something happened that logs, metrics and the like want to know.
    Event(Event),
}

/// A change in who is online.
///
/// Events are numbered from 1 on, without holes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// A connection has a uid from here on.
    LoggedIn {
        /// The event's number.
        seq: u64,
        /// Which connection.
        conn: ConnId,
        /// As what.
        login: Login,
    },
    /// A connection takes part in nothing from here on. It is said exactly once for each one.
    Closed {
        /// The event's number.
        seq: u64,
        /// Which connection.
        conn: ConnId,
        /// As what it was logged in, if it was.
        login: Option<Login>,
        /// Why.
        reason: CloseReason,
    },
}

/// That a connection is, or was, known by a uid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Login {
    /// The uid.
    pub uid: Arc<str>,
    /// The number of the [event](Event::LoggedIn) of this login: of two logins with one uid, the
    /// newer one has the larger.
    pub generation: u64,
}

/// The next thing to write to a connection, from [`Hub::poll_frame`](crate::Hub::poll_frame).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<P> {
    /// The login was accepted.
    LoggedIn {
        /// The connection's uid.
        uid: Arc<str>,
    },
    /// A message for this connection.
    Message {
        /// Its place in the order in which the hub took the messages.
        seq: u64,
        /// Its content.
        payload: P,
    },
    /// Messages for this connection are gone, it read too slowly. A gap is told in its place in the
    /// hub's order, right before the oldest message that is left of those to everybody, to the uid
    /// or to the group in question. If none is left, because the connection has left the group or
    /// is being closed, the gap is told before all else that there is to pull.
    Gap {
        /// How many.
        missed: u64,
    },
    /// A request of this connection was refused.
    Problem(Problem),
    /// Nothing was heard of the connection for a while: send a ping, which its peer answers by
    /// itself. It comes before all else.
    Ping,
    /// The last frame: say why, and close.
    Close(CloseReason),
}

/// Why a request was refused. The connection goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Problem {
    /// No uid or group can have this name.
    InvalidName(NameError),
    /// What should have been `uid:message` has no uid or no colon.
    ExpectedUidMessage,
    /// Nobody is logged in with this uid.
    NotOnline(Arc<str>),
    /// Nobody is in this group.
    GroupEmpty(Arc<str>),
    /// Somebody else is logged in with this uid, see
    /// [`DuplicateUid::Reject`](crate::DuplicateUid::Reject).
    UidTaken(Arc<str>),
    /// The request needs a login first.
    NotLoggedIn,
    /// The credential was not accepted.
    Denied(Denial),
    /// A connection keeps its uid for life.
    AlreadyLoggedIn,
    /// A group is left only by who is in it.
    NotInGroup(Arc<str>),
    /// The connection, or the server, has as many groups as it can have.
    TooManyGroups,
    /// The message is larger than the ring that it would have to wait in.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most that is accepted.
        limit: usize,
    },
    /// There were more login attempts from its address than
    /// [`Config::login_rate`](crate::Config::login_rate) allows.
    TooManyLogins,
    /// The connection has sent more than its [rate](crate::Rate) allows.
    TooFast {
        /// How much it may send in a second.
        per_second: u32,
        /// Of what.
        unit: Unit,
    },
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        Self::InvalidName(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(error) => error.fmt(f),
            Self::ExpectedUidMessage => f.write_str("expected uid:message"),
            Self::NotOnline(uid) => write!(f, "{uid} is not online"),
            Self::GroupEmpty(group) => write!(f, "nobody is in the group {group}"),
            Self::UidTaken(uid) => write!(f, "{uid} is already online"),
            Self::NotLoggedIn => f.write_str("log in first"),
            Self::Denied(denial) => denial.fmt(f),
            Self::AlreadyLoggedIn => f.write_str("already logged in"),
            Self::NotInGroup(group) => write!(f, "not in the group {group}"),
            Self::TooManyGroups => f.write_str("too many groups"),
            Self::TooLarge { size, limit } => {
                write!(f, "the message has {size} bytes, at most {limit} are allowed")
            }
            Self::TooManyLogins => {
                f.write_str("too many logins from this address, try again later")
            }
            Self::TooFast { per_second, unit } => {
                let plural = if *per_second == 1 { "" } else { "s" };
                write!(f, "too fast, not more than {per_second} {unit}{plural} a second")
            }
        }
    }
}

impl core::error::Error for Problem {}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Unit {
    /// Messages.
    Message,
    /// Bytes.
    Byte,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Byte => "byte",
        })
    }
}

/// Why [`Hub::connect`](crate::Hub::connect) took no further connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are [`Config::max_connections`](crate::Config::max_connections).
    Full,
    /// The hub was [shut down](crate::Input::Shutdown).
    ShuttingDown,
    /// There are [`Config::max_connections_per_address`](crate::Config::max_connections_per_address)
    /// from the address.
    TooManyFromAddress,
}

impl Refused {
    /// The status of the HTTP answer, for who gives one.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Full | Self::ShuttingDown => 503,
            Self::TooManyFromAddress => 429,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too many connections",
            Self::ShuttingDown => "the server is stopping",
            Self::TooManyFromAddress => "too many connections from this address",
        })
    }
}

impl core::error::Error for Refused {}

/// When the hub wants [`Input::Timeout`](crate::Input::Timeout), and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// What will be looked at.
    pub why: TimeoutReason,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TimeoutReason {
    /// A connection must have logged in.
    Login,
    /// A connection that is being closed must be gone.
    Close,
    /// A connection is pinged if it has been silent.
    Ping,
    /// A connection must have given a sign of life since its ping.
    Pong,
    /// A connection must have read something.
    Stall,
    /// The next connection is to be closed in the course of a shutdown.
    Shutdown,
}

/// Counts since the hub was made, and a few current figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stats {
    /// Connections that the hub knows.
    pub connections: usize,
    /// Connections that are logged in.
    pub logged_in: usize,
    /// Uids that are online, and those whose last connection has messages left to read.
    pub users: usize,
    /// Groups with members, and those with messages that somebody has left to read.
    pub groups: usize,
    /// Bytes of payload that are kept for those who have yet to read them.
    pub payload_bytes: usize,
    /// How long the oldest message to everybody waits that somebody has yet to read.
    pub oldest_to_everyone: Option<Duration>,
    /// Posts whose recipients are yet to be told, and connections that are.
    pub wakes: usize,
    /// Messages taken, from connections and from [outside](crate::Input::Push).
    pub accepted: u64,
    /// Bytes that came from connections in messages, and from outside in payloads.
    pub received_bytes: u64,
    /// Messages handed out, counted once for each recipient.
    pub delivered: u64,
    /// Bytes of payload handed out, counted in the same way.
    pub delivered_bytes: u64,
    /// Messages that recipients missed, counted once for each gap that was told.
    pub missed: u64,
    /// Pings handed out.
    pub pings: u64,
    /// Inputs and pulls with an id that the hub had forgotten.
    pub stale: u64,
    /// Connections refused.
    pub refused: u64,
    /// Connections closed, by reason.
    pub closed: Closes,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_problem_is_told_in_these_words() {
        let fast = |per_second, unit| Problem::TooFast { per_second, unit };
        for (problem, words) in [
            (Problem::InvalidName(NameError::Empty), "the uid is empty"),
            (Problem::ExpectedUidMessage, "expected uid:message"),
            (Problem::NotOnline("bob".into()), "bob is not online"),
            (Problem::GroupEmpty("tea".into()), "nobody is in the group tea"),
            (Problem::UidTaken("bob".into()), "bob is already online"),
            (Problem::NotLoggedIn, "log in first"),
            (Problem::Denied(Denial::Expired), "the credential has expired"),
            (Problem::AlreadyLoggedIn, "already logged in"),
            (Problem::NotInGroup("tea".into()), "not in the group tea"),
            (Problem::TooManyGroups, "too many groups"),
            (Problem::TooManyLogins, "too many logins from this address, try again later"),
            (fast(1, Unit::Byte), "too fast, not more than 1 byte a second"),
            (fast(2, Unit::Message), "too fast, not more than 2 messages a second"),
        ] {
            assert_eq!(problem.to_string(), words);
        }
        let large = Problem::TooLarge { size: 7, limit: 5 };
        assert_eq!(large.to_string(), "the message has 7 bytes, at most 5 are allowed");
    }

    #[test]
    fn a_refusal_has_a_status_and_words() {
        for (refused, status, words) in [
            (Refused::Full, 503, "too many connections"),
            (Refused::ShuttingDown, 503, "the server is stopping"),
            (Refused::TooManyFromAddress, 429, "too many connections from this address"),
        ] {
            assert_eq!((refused.http_status(), &*refused.to_string()), (status, words));
        }
    }
}
