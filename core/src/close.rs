//! Why connections end.

use core::fmt;

use crate::{Fault, Kick};

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CloseReason {
    /// The peer asked to close.
    PeerClosed,
    /// The socket was gone.
    Disconnected,
    /// A newer connection logged in with the same uid.
    Replaced,
    /// It did not log in in time.
    LoginTimeout,
    /// Messages overtook it, see [`SlowReader::Close`](crate::SlowReader::Close), or it read nothing
    /// for too long, see [`Config::stall_timeout`](crate::Config::stall_timeout).
    TooSlow,
    /// It was pinged and gave no sign of life, see [`Heartbeat`](crate::Heartbeat).
    Silent,
    /// It went on sending requests without reading the replies.
    RepliesUnread,
    /// It sent far more than its [rates](crate::Rate) allow.
    TooFast,
    /// It turned out that there are too many from its address, see
    /// [`Config::max_connections_per_address`](crate::Config::max_connections_per_address).
    TooManyFromAddress,
    /// It sent something unacceptable.
    Fault(Fault),
    /// Its uid was [kicked](crate::Input::Kick).
    Kicked(Kick),
    /// The server stops.
    Shutdown,
}

impl CloseReason {
    /// The WebSocket close code (RFC 6455, 7.4), or `None` if it was the peer who closed and there
    /// is nothing to say but to echo its close frame.
    pub fn code(&self) -> Option<u16> {
        Some(match self {
            Self::PeerClosed | Self::Disconnected => return None,
            Self::Shutdown => 1001,
            Self::Fault(Fault::Protocol) => 1002,
            Self::Fault(Fault::Binary) => 1003,
            Self::Fault(Fault::NotUtf8) => 1007,
            Self::LoginTimeout | Self::RepliesUnread => 1008,
            Self::TooFast | Self::TooManyFromAddress => 1008,
            Self::Fault(Fault::TooLarge) => 1009,
            Self::Replaced => 4001,
            Self::TooSlow => 4002,
            Self::Silent => 4003,
            Self::Kicked(kick) => kick.code(),
        })
    }

    /// The status of the HTTP answer to a connection that ends before its WebSocket handshake was
    /// answered.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::PeerClosed | Self::Disconnected | Self::Fault(_) => 400,
            Self::LoginTimeout | Self::TooSlow | Self::Silent => 408,
            Self::Replaced => 409,
            Self::RepliesUnread | Self::TooFast | Self::TooManyFromAddress => 429,
            Self::Kicked(_) => 403,
            Self::Shutdown => 503,
        }
    }

    /// A name for programs, as [`Closes::iter`] has it.
    pub fn label(&self) -> &'static str {
        REASONS[Closes::index(self)]
    }

    /// The text that goes with the code; at most 123 bytes, so that it fits a close frame.
    pub fn text(&self) -> &str {
        match self {
            Self::PeerClosed => "closed by the client",
            Self::Disconnected => "disconnected",
            Self::Replaced => "replaced by a newer login",
            Self::LoginTimeout => "not logged in in time",
            Self::TooSlow => "reading too slowly",
            Self::Silent => "no sign of life",
            Self::RepliesUnread => "too many requests without reading the replies",
            Self::TooFast => "sending too fast",
            Self::TooManyFromAddress => "too many connections from this address",
            Self::Fault(Fault::Protocol) => "protocol error",
            Self::Fault(Fault::Binary) => "binary messages are not accepted",
            Self::Fault(Fault::NotUtf8) => "text must be UTF-8",
            Self::Fault(Fault::TooLarge) => "message too large",
            Self::Kicked(kick) => kick.reason(),
            Self::Shutdown => "the server is stopping",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// In the order in which they are counted.
const REASONS: [&str; 15] = [
    "peer_closed",
    "disconnected",
    "replaced",
    "login_timeout",
    "too_slow",
    "silent",
    "replies_unread",
    "too_fast",
    "too_many_from_address",
    "protocol_error",
    "binary",
    "not_utf8",
    "too_large",
    "kicked",
    "shutdown",
];

/// How many connections were closed, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Closes([u64; REASONS.len()]);

impl Closes {
    pub(crate) fn count(&mut self, reason: &CloseReason) {
        self.0[Self::index(reason)] += 1;
    }

    fn index(reason: &CloseReason) -> usize {
        match reason {
            CloseReason::PeerClosed => 0,
            CloseReason::Disconnected => 1,
            CloseReason::Replaced => 2,
            CloseReason::LoginTimeout => 3,
            CloseReason::TooSlow => 4,
            CloseReason::Silent => 5,
            CloseReason::RepliesUnread => 6,
            CloseReason::TooFast => 7,
            CloseReason::TooManyFromAddress => 8,
            CloseReason::Fault(Fault::Protocol) => 9,
            CloseReason::Fault(Fault::Binary) => 10,
            CloseReason::Fault(Fault::NotUtf8) => 11,
            CloseReason::Fault(Fault::TooLarge) => 12,
            CloseReason::Kicked(_) => 13,
            CloseReason::Shutdown => 14,
        }
    }

    /// Each reason, as metrics name it, and how many connections were closed for it.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS.into_iter().zip(self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, string::ToString};

    use super::*;

    #[test]
    fn each_reason_has_its_own_name_and_is_counted_by_it() {
        let faults = [Fault::Protocol, Fault::Binary, Fault::NotUtf8, Fault::TooLarge];
        let reasons = [
            CloseReason::PeerClosed,
            CloseReason::Disconnected,
            CloseReason::Replaced,
            CloseReason::LoginTimeout,
            CloseReason::TooSlow,
            CloseReason::Silent,
            CloseReason::RepliesUnread,
            CloseReason::TooFast,
            CloseReason::TooManyFromAddress,
            CloseReason::Kicked(Kick::default()),
            CloseReason::Shutdown,
        ];
        let reasons = reasons.into_iter().chain(faults.map(CloseReason::Fault));
        let mut labels = BTreeSet::new();
        let mut texts = BTreeSet::new();
        for reason in reasons {
            let mut closes = Closes::default();
            closes.count(&reason);
            let counted = closes.iter().filter(|(_, count)| *count > 0);
            assert!(counted.eq([(reason.label(), 1)]), "{reason:?}");
            assert_eq!(reason.to_string(), reason.text());
            assert!((1..=123).contains(&reason.text().len()), "{reason:?}");
            labels.insert(reason.label());
            texts.insert(reason.to_string());
        }
        assert_eq!([labels.len(), texts.len()], [REASONS.len(); 2]);
    }
}
