//! Operations on a small world, and how bytes become them.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use switchboard_core::{
    Authentication, Config, Denial, DuplicateUid, Fault, Heartbeat, Name, Rate, RingLimit,
    SlowReader, Target, Verdict,
};

/// A step of a test: an input to the hub, or what an adapter does with its outputs and frames.
///
/// A connection is named by a slot, which holds the last one that was put there. It keeps the id
/// when the connection ends, and so gives rise to stale ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what they are")]
pub enum Op {
    /// Do as a good adapter does: obey all outputs, pull whoever was told to be ready until there is
    /// nothing left, and drop whoever was closed.
    Serve,
    /// Have somebody logged in: drop a connection that is on its way out, connect if there is none.
    Enter { slot: usize, uid: Name<'static>, address: Option<IpAddr> },
    /// Connect somebody, unless the slot holds a connection that has not ended.
    Connect { slot: usize, address: Option<IpAddr> },
    /// Tell where somebody comes from.
    Address { slot: usize, address: IpAddr },
    /// Log in.
    Login { slot: usize, uid: Name<'static> },
    /// Show a credential.
    Authenticate { slot: usize, size: usize },
    /// Answer the last check of the slot, which may have been answered or be stale.
    Verdict { slot: usize, verdict: Verdict<'static> },
    /// Send a message.
    Send { slot: usize, to: Target<'static>, size: usize },
    /// Pull up to so many frames.
    Pull { slot: usize, frames: usize },
    /// Take up to so many outputs.
    Drain { outputs: usize },
    /// Join a group.
    Join { slot: usize, group: Name<'static> },
    /// Leave a group.
    Leave { slot: usize, group: Name<'static> },
    /// Send what the dialect cannot make sense of.
    Invalid { slot: usize },
    /// Give a sign of life that is no request.
    Heard { slot: usize, size: usize },
    /// Ask for something else than a WebSocket.
    Called { slot: usize },
    /// Send a message from outside.
    Push { to: Target<'static>, size: usize },
    /// Close a user from outside.
    Kick { uid: Name<'static> },
    /// Send what no dialect accepts.
    Fault { slot: usize, fault: Fault },
    /// Send a close frame.
    PeerClosed { slot: usize },
    /// Lose the socket.
    Disconnected { slot: usize },
    /// Let time pass.
    Advance { by: Duration },
    /// Let time pass, and give the hub its timeouts.
    Tick { by: Duration },
    /// Turn the caller's clock back, which the hub should not mind.
    Rewind { by: Duration },
    /// Give the hub a timeout, wanted or not.
    Timeout,
    /// Shut down.
    Shutdown { over: Duration },
}

impl Op {
    /// How many slots there are for connections.
    pub const SLOTS: usize = 8;

    /// How many bytes make an operation.
    pub const BYTES: usize = 5;

    /// The operation that these bytes mean. All bytes mean one; what is common has more of them,
    /// and lesser bytes mean simpler operations, so that a failing list shrinks to a plain one.
    pub fn decode([kind, slot, a, b, more]: [u8; Self::BYTES]) -> Self {
        // Some connections are busier than others, so that more comes together.
        let slot = usize::from(slot) % if slot < 216 { 4 } else { Self::SLOTS };
        match more {
            160..168 => return Self::Push { to: target(a), size: pick(&SIZES, b) },
            168..171 => return Self::Kick { uid: name(&UIDS, a) },
            171..174 => return Self::Called { slot },
            175 if b >= 128 => return Self::Shutdown { over: pick(&DURATIONS, a) },
            176..184 => return Self::Authenticate { slot, size: pick(&SIZES, b) },
            184..192 => return Self::Verdict { slot, verdict: Verdict::Accepted(name(&UIDS, a)) },
            192..200 => return Self::Verdict { slot, verdict: Verdict::Denied(Denial::Expired) },
            200..208 => {
                return Self::Address { slot, address: pick(&ADDRESSES, b).unwrap_or(LOCALHOST) };
            }
            208..240 => return Self::Tick { by: pick(&DURATIONS[..6], a) },
            240.. => return Self::Heard { slot, size: pick(&SIZES, b) },
            0..=175 => {}
        }
        match kind {
            0..18 => Self::Serve,
            18..80 => Self::Enter { slot, uid: name(&UIDS, a), address: pick(&ADDRESSES, b) },
            80..84 => Self::Connect { slot, address: pick(&ADDRESSES, b) },
            84..88 => Self::Login { slot, uid: name(&UIDS, a) },
            88..152 => Self::Send { slot, to: target(a), size: pick(&SIZES, b) },
            152..180 => Self::Pull { slot, frames: pick(&COUNTS, a) },
            180..202 => Self::Drain { outputs: pick(&COUNTS, a) },
            202..224 => Self::Join { slot, group: name(&GROUPS, a) },
            224..237 => Self::Leave { slot, group: name(&GROUPS, a) },
            237..239 => Self::Invalid { slot },
            239 => Self::Fault { slot, fault: pick(&FAULTS, a) },
            240 => Self::PeerClosed { slot },
            241..244 => Self::Disconnected { slot },
            244..248 => Self::Advance { by: pick(&DURATIONS, a) },
            248 => Self::Rewind { by: pick(&DURATIONS, a) },
            249..255 => Self::Timeout,
            // It ends most of what else could happen.
            255 if a < 192 => Self::Timeout,
            255 => Self::Shutdown { over: Duration::ZERO },
        }
    }
}

/// How many bytes make a configuration. The last ones are room for settings to come.
pub const CONFIG_BYTES: usize = 24;

/// The configuration that these bytes mean. Zeros mean one without tight limits.
pub fn config(bytes: [u8; CONFIG_BYTES]) -> Config {
    let [duplicate, slow, login, close, connections, groups, joined, replies, rest @ ..] = bytes;
    let [rings @ .., ping, pong, stall, messages, bytes, from_one, logins, checked, _, _] = rest;
    let ring = |entries, bytes| RingLimit {
        entries: often(1024, &[0, 1, 2, 3, 5, 8], entries),
        bytes: often(1024, &[0, 1, 4, 8, 16], bytes),
    };
    let duplicates = [DuplicateUid::Replace, DuplicateUid::Share, DuplicateUid::Reject];
    Config {
        authentication: often(Authentication::Open, &[Authentication::Checked], checked),
        duplicate_uid: pick(&duplicates, duplicate),
        slow_reader: pick(&[SlowReader::Gap, SlowReader::Close], slow),
        login_timeout: often(Duration::from_secs(10), &DURATIONS, login),
        close_timeout: often(Duration::from_secs(2), &DURATIONS, close),
        heartbeat: often(None, &DURATIONS.map(Some), ping)
            .map(|interval| Heartbeat { interval, timeout: pick(&DURATIONS, pong) }),
        stall_timeout: often(None, &DURATIONS.map(Some), stall),
        message_rate: often(None, &RATES.map(Some), messages),
        byte_rate: often(None, &RATES.map(Some), bytes),
        max_connections: often(100, &[8, 6, 5, 4, 3, 2, 1, 0], connections),
        max_connections_per_address: often(None, &[3, 2, 1, 0].map(Some), from_one),
        login_rate: often(None, &RATES.map(Some), logins),
        max_groups: often(100, &[3, 2, 1, 0], groups),
        max_groups_per_connection: often(100, &[3, 2, 1, 0], joined),
        max_replies: often(100, &[16, 8, 4, 3, 2, 1, 0], replies),
        everyone_ring: ring(rings[0], rings[1]),
        user_ring: ring(rings[2], rings[3]),
        group_ring: ring(rings[4], rings[5]),
    }
}

const UIDS: [&str; 4] = ["a", "b", "c", "d"];

/// Two are uids as well: the two kinds of names must not be confused.
const GROUPS: [&str; 3] = ["a", "b", "g"];

const SIZES: [usize; 8] = [0, 1, 2, 3, 4, 5, 8, 17];

const COUNTS: [usize; 8] = [1, 2, 3, 4, 5, 8, 16, usize::MAX];

const FAULTS: [Fault; 4] = [Fault::Binary, Fault::NotUtf8, Fault::TooLarge, Fault::Protocol];

const DURATIONS: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_millis(1),
    Duration::from_micros(1),
    Duration::ZERO,
    Duration::from_secs(3600),
    Duration::MAX,
];

const RATES: [Rate; 8] = [
    Rate { per_second: 1, burst: 3 },
    Rate { per_second: 3, burst: 8 },
    Rate { per_second: 1000, burst: 5 },
    Rate { per_second: 7, burst: 1 },
    Rate { per_second: 1_000_000, burst: 16 },
    Rate { per_second: 30_000_000, burst: 40 },
    Rate { per_second: 0, burst: 0 },
    Rate { per_second: u32::MAX, burst: u32::MAX },
];

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Some of these count as one.
const ADDRESSES: [Option<IpAddr>; 8] = [
    None,
    Some(LOCALHOST),
    Some(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())),
    Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    Some(IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0xfedc, 2, 3, 4))),
    Some(IpAddr::V6(Ipv6Addr::new(0, 0, 0, 1, 0, 0, 0, 1))),
    Some(IpAddr::V4(Ipv4Addr::BROADCAST)),
    Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))),
];

fn target(byte: u8) -> Target<'static> {
    match byte {
        0..100 => Target::Everyone,
        100..170 => Target::User(name(&UIDS, byte)),
        170.. => Target::Group(name(&GROUPS, byte)),
    }
}

fn name(from: &[&'static str], byte: u8) -> Name<'static> {
    Name::new(pick(from, byte)).expect("a valid name")
}

/// A limit: one that is hard to reach, unless the byte is a large one. Too many tight limits at once
/// would leave little to happen.
fn often<T: Copy>(ample: T, tight: &[T], byte: u8) -> T {
    if byte < 176 { ample } else { pick(tight, byte) }
}

fn pick<T: Copy>(from: &[T], byte: u8) -> T {
    from[usize::from(byte) % from.len()]
}
