//! The hub's settings and limits.

use core::time::Duration;

use crate::{Authentication, ConnId, Rate};

/// What the hub is told once, when it is made.
///
/// Everything that can grow has a limit here; [`payload_bound`](Config::payload_bound) adds them up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    /// How connections log in.
    pub authentication: Authentication,
    /// What becomes of a second login with the same uid.
    pub duplicate_uid: DuplicateUid,
    /// What becomes of a connection that the messages have overtaken.
    pub slow_reader: SlowReader,
    /// How long a connection may stay without a successful login, from
    /// [`Hub::connect`](crate::Hub::connect) on: a handshake after that counts.
    pub login_timeout: Duration,
    /// How long a connection that is being closed may take to read what it was still owed and to
    /// close its side, before it is dropped.
    pub close_timeout: Duration,
    /// How connections that are logged in and silent are found to be alive, or gone. `None`: they
    /// may be silent for ever.
    pub heartbeat: Option<Heartbeat>,
    /// How long a connection that is logged in may leave all that it has to read unread, whatever
    /// [`slow_reader`](Self::slow_reader) says. It is looked at once in this time: one that had
    /// something to pull at one look and has pulled nothing until the next is closed with 4002. So
    /// it has between once and twice this time. Zero counts as a microsecond, `None` as for ever.
    pub stall_timeout: Option<Duration>,
    /// Messages that a connection may send, requests and [signs of life](crate::Input::Heard)
    /// alike. `None`: as many as it likes.
    pub message_rate: Option<Rate>,
    /// The same in bytes. A message that is larger than the burst is always refused.
    pub byte_rate: Option<Rate>,
    /// Connections at a time, from [`Hub::connect`](crate::Hub::connect) until the hub has
    /// forgotten them.
    pub max_connections: usize,
    /// The same for those from one address, which is an IPv4 address or the first 64 bits of an
    /// IPv6 address. `None`: as many as like. Connections whose address is not known do not count.
    pub max_connections_per_address: Option<u32>,
    /// Login attempts from one address, those counted that are refused. `None`: as many as like.
    pub login_rate: Option<Rate>,
    /// Groups at a time.
    pub max_groups: usize,
    /// Memberships of groups that one connection can have, those counted that it ended but whose
    /// messages it has not read to the end.
    pub max_groups_per_connection: usize,
    /// Replies to its own requests that a connection can leave unread, see
    /// [`Hub::credit`](crate::Hub::credit). With zero nobody can ask for anything.
    pub max_replies: usize,
    /// Messages to everybody that are kept for those who have yet to read them.
    pub everyone_ring: RingLimit,
    /// The same for the messages to one user.
    pub user_ring: RingLimit,
    /// The same for the messages to one group.
    pub group_ring: RingLimit,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            authentication: Authentication::default(),
            duplicate_uid: DuplicateUid::default(),
            slow_reader: SlowReader::default(),
            login_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(2),
            heartbeat: Some(Heartbeat {
                interval: Duration::from_secs(25),
                timeout: Duration::from_secs(20),
            }),
            stall_timeout: Some(Duration::from_secs(60)),
            message_rate: None,
            byte_rate: None,
            max_connections: 1_000_000,
            max_connections_per_address: None,
            login_rate: None,
            max_groups: 100_000,
            max_groups_per_connection: 64,
            max_replies: 16,
            everyone_ring: RingLimit { entries: 1024, bytes: 16 << 20 },
            user_ring: RingLimit { entries: 256, bytes: 256 << 10 },
            group_ring: RingLimit { entries: 256, bytes: 1 << 20 },
        }
    }
}

impl Config {
    /// The most bytes of payload that the hub can hold at a time, whatever clients do.
    ///
    /// Every connection can have a uid of its own and leave that uid's ring full.
    pub fn payload_bound(&self) -> u128 {
        let users = self.max_connections as u128 * self.user_ring.bytes as u128;
        let groups = self.max_groups as u128 * self.group_ring.bytes as u128;
        let both = users.saturating_add(groups);
        both.saturating_add(self.everyone_ring.bytes as u128)
    }

    /// How long `conn` may be silent before it is pinged, if there is a heartbeat: at least half
    /// the interval and less than all of it, by the id's [phase](ConnId::phase).
    pub fn ping_after(&self, conn: ConnId) -> Option<Duration> {
        let half = self.heartbeat?.interval.as_micros() / 2;
        let after = half + half * u128::from(conn.phase()) / (1 << 32);
        Some(Duration::from_micros(u64::try_from(after).unwrap_or(u64::MAX)))
    }
}

/// A connection from which nothing came for some time is pinged, and closed with 4003 if nothing
/// comes after that, either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Heartbeat {
    /// The longest silence before a ping. Each connection has its own share of it, see
    /// [`Config::ping_after`], so that those who came at the same time are not pinged at the same
    /// time. Should the timeout be longer than that, the ping after an answered one can be as late.
    pub interval: Duration,
    /// How long after a ping there must be a sign of life.
    pub timeout: Duration,
}

/// What becomes of a second login with a uid that is online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DuplicateUid {
    /// The older connection is closed with 4001, the newer one takes its place.
    #[default]
    Replace,
    /// Both stay; what is sent to the uid reaches all of its connections.
    Share,
    /// The newer login gets an error.
    Reject,
}

/// What becomes of a connection that reads so slowly that messages it has not read had to make
/// room for newer ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SlowReader {
    /// It is told how many messages it has missed and goes on with the oldest that is left.
    #[default]
    Gap,
    /// It is closed with 4002. Whoever has left the group in question, or is being closed for
    /// another reason, is told of a gap all the same.
    Close,
}

/// How much is kept of a topic's messages until every connection that they are for has read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RingLimit {
    /// Messages. At least one is kept, even if this is zero.
    pub entries: usize,
    /// Bytes of payload. A single message over this limit is refused.
    pub bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_and_each_group_can_have_a_full_ring() {
        let ring = |bytes| RingLimit { entries: 1, bytes };
        let config = Config { max_connections: 3, max_groups: 7, ..Config::default() };
        let (everyone_ring, user_ring, group_ring) = (ring(13), ring(5), ring(11));
        let config = Config { everyone_ring, user_ring, group_ring, ..config };
        assert_eq!(config.payload_bound(), 13 + 3 * 5 + 7 * 11);
    }

    #[test]
    fn limits_that_are_none_add_up() {
        let ring = RingLimit { entries: usize::MAX, bytes: usize::MAX };
        let most = usize::MAX;
        let config = Config { max_connections: most, max_groups: most, ..Config::default() };
        let config = Config { everyone_ring: ring, user_ring: ring, group_ring: ring, ..config };
        assert!(config.payload_bound() > usize::MAX as u128);
    }
}
