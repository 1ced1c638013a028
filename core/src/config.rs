//! The hub's settings and limits.

use core::time::Duration;

/// What the hub is told once, when it is made.
///
/// Everything that can grow has a limit here; [`payload_bound`](Config::payload_bound) adds them up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
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
    /// Connections at a time, from [`Hub::connect`](crate::Hub::connect) until the hub has
    /// forgotten them.
    pub max_connections: usize,
    /// Groups at a time.
    pub max_groups: usize,
    /// Memberships of groups that one connection can have, those counted that it ended but whose
    /// messages it has not read to the end.
    pub max_groups_per_connection: usize,
    /// Replies to its own requests that a connection can leave unread, see
    /// [`Hub::wants_input`](crate::Hub::wants_input). With zero nobody can ask for anything.
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
            duplicate_uid: DuplicateUid::default(),
            slow_reader: SlowReader::default(),
            login_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(2),
            max_connections: 1_000_000,
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
        self.everyone_ring.bytes as u128 + users + groups
    }
}

/// What becomes of a second login with a uid that is online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
pub struct RingLimit {
    /// Messages. At least one is kept, even if this is zero.
    pub entries: usize,
    /// Bytes of payload. A single message over this limit is refused.
    pub bytes: usize,
}
