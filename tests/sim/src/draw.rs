//! Plans from seeds.
//!
//! Each seed has its own mix: what happens at all, how often, and which limits are tight. A world in
//! which everything goes wrong at once shows less than many in which a few things do.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use fastrand::Rng;
use switchboard_core::{
    Authentication, Config, Denial, DuplicateUid, Fault, Heartbeat, Rate, RingLimit, SlowReader,
};

use crate::{
    names,
    plan::{Actor, Adapter, Checked, Plan, Step, Temper, To, What},
};

/// The plan that a seed stands for. The same seed gives the same plan, with the same version of this.
pub fn draw(seed: u64) -> Plan {
    let rng = &mut Rng::with_seed(seed);
    // The model is slow, and costs more the more there are.
    let beside = rng.u8(..) < 40;
    let count = match rng.u8(..) {
        0..160 => rng.usize(2..8),
        160..240 => rng.usize(8..24),
        _ if beside => rng.usize(8..24),
        _ => rng.usize(70..120),
    };
    // How much happens at a time: microseconds between two steps, at most.
    let pace = pick(rng, &[1, 50, 1_000, 50_000, 1_000_000, 8_000_000]);
    let config = config(rng, count, pace);
    let adapter = Adapter {
        outputs: pick(rng, &[1, 2, 5, 64, 1024]),
        pause: pick(rng, &[1, 1, 1 + pace / 3, pace * 2]),
        frames: pick(rng, &[1, 2, 16, 1024]),
        slow: pick(rng, &[1, 1, 1 + pace / 3, pace * 2]),
        late: rarely(rng, 0, |rng| rng.u64(..pace * 2)),
    };
    let uids = if rng.bool() { rng.usize(1..=count) } else { count };
    let slow = pick(rng, &[1, 8, 64]);
    let actors = (0..count).map(|_| actor(rng, uids, pace, slow)).collect();
    let length = match rng.u8(..) {
        0..180 => rng.usize(20..400),
        _ if beside => rng.usize(20..400),
        _ => rng.usize(400..3000),
    };
    let steps = steps(rng, count, uids, pace, length);
    Plan::new(seed, config, beside, adapter, actors, steps)
}

fn config(rng: &mut Rng, count: usize, pace: u64) -> Config {
    let time = |rng: &mut Rng| Duration::from_micros(pace.max(200) * rng.u64(5..200));
    let rate = |rng: &mut Rng| {
        let second = u32::try_from((1_000_000 / pace).clamp(1, 1_000_000)).expect("in range");
        Some(Rate { per_second: rng.u32(1..=second), burst: rng.u32(1..60) })
    };
    let ring = |rng: &mut Rng| RingLimit {
        entries: rarely(rng, 64, |rng| rng.usize(0..6)),
        bytes: rarely(rng, 4096, |rng| rng.usize(0..40)),
    };
    Config {
        authentication: rarely(rng, Authentication::Open, |_| Authentication::Checked),
        duplicate_uid: pick(
            rng,
            &[DuplicateUid::Replace, DuplicateUid::Share, DuplicateUid::Reject],
        ),
        slow_reader: pick(rng, &[SlowReader::Gap, SlowReader::Close]),
        login_timeout: rarely(rng, Duration::from_secs(10), time),
        close_timeout: rarely(rng, Duration::from_secs(2), time),
        heartbeat: rarely(rng, None, |rng| {
            Some(Heartbeat { interval: time(rng), timeout: time(rng) })
        }),
        stall_timeout: rarely(rng, None, |rng| Some(time(rng))),
        message_rate: rarely(rng, None, rate),
        byte_rate: rarely(rng, None, rate),
        max_connections: rarely(rng, 1000, |rng| rng.usize(0..=count)),
        max_connections_per_address: rarely(rng, None, |rng| Some(rng.u32(0..4))),
        login_rate: rarely(rng, None, rate),
        max_groups: rarely(rng, 100, |rng| rng.usize(0..4)),
        max_groups_per_connection: rarely(rng, 100, |rng| rng.usize(0..4)),
        max_replies: rarely(rng, 16, |rng| rng.usize(1..4)),
        everyone_ring: ring(rng),
        user_ring: ring(rng),
        group_ring: ring(rng),
    }
}

fn actor(rng: &mut Rng, uids: usize, pace: u64, slow: u64) -> Actor {
    let often = |rng: &mut Rng| rng.u8(..) < 220;
    Actor {
        uid: rng.usize(..uids),
        address: rng.bool().then(|| IpAddr::V4(Ipv4Addr::new(10, 0, 0, rng.u8(1..4)))),
        latency: rng.u64(..=pace * slow),
        room: pick(rng, &[1, 2, 4, 16, 256]),
        temper: Temper {
            logs_in: often(rng),
            answers_pings: often(rng),
            says_goodbye: often(rng),
            returns: rng.bool().then(|| pace.max(100) * rng.u64(1..50)),
        },
        verdict: match rng.u8(..) {
            0..180 => Checked::Accepted { after: rng.u64(..pace * 20) },
            180..230 => {
                let why = pick(rng, &[Denial::Expired, Denial::Invalid]);
                Checked::Denied { after: rng.u64(..pace * 20), why }
            }
            _ => Checked::Never,
        },
    }
}

fn steps(rng: &mut Rng, count: usize, uids: usize, pace: u64, length: usize) -> Vec<Step> {
    // A kind of step that never comes, or seldom, or often.
    let mut weights = [0; KINDS];
    for (kind, weight) in weights.iter_mut().enumerate() {
        // What ends much of what else could happen comes seldom.
        *weight = if ENDINGS.contains(&kind) {
            pick(rng, &[0, 0, 0, 1, 3])
        } else {
            pick(rng, &[0, 2, 4, 12])
        };
    }
    weights[SAY] += 30;
    weights[CONNECT] += 4;
    weights[SHUTDOWN] = u32::from(rng.u8(..) < 24);
    let total: u32 = weights.iter().sum();
    let everyone = pick(rng, &[1, 8, 30]);

    let mut at = 1_000_000;
    let mut steps: Vec<_> =
        (0..count).map(|client| Step { at, what: What::Connect(client) }).collect();
    for _ in 0..length {
        at += rng.u64(..=pace);
        let mut left = rng.u32(..total);
        let kind = weights.iter().position(|weight| match left.checked_sub(*weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        let kind = kind.expect("they add up");
        let what = what(rng, kind, count, uids, pace, everyone);
        steps.push(Step { at, what });
    }
    steps
}

const KINDS: usize = 18;
const CONNECT: usize = 0;
const SAY: usize = 1;
/// Connections are lost or closed, or the machine sleeps.
const ENDINGS: [usize; 6] = [6, 7, 8, 13, 15, 16];
const SHUTDOWN: usize = 17;

fn what(rng: &mut Rng, kind: usize, count: usize, uids: usize, pace: u64, everyone: u8) -> What {
    let client = rng.usize(..count);
    let size = pick(rng, &[0, 1, 5, 12, 30]);
    let to = |rng: &mut Rng| match rng.u8(..40) {
        number if number < everyone => To::Everyone,
        // One more than there are.
        number if number % 3 > 0 => To::User(rng.usize(..=uids)),
        _ => To::Group(rng.usize(..names::GROUPS)),
    };
    let faults = [Fault::Binary, Fault::NotUtf8, Fault::TooLarge, Fault::Protocol];
    match kind {
        CONNECT => What::Connect(client),
        SAY => What::Say(client, to(rng), size),
        2 => What::Join(client, rng.usize(..names::GROUPS)),
        3 => What::Leave(client, rng.usize(..names::GROUPS)),
        4 => What::Stall(client),
        5 => What::Resume(client),
        6 => What::Lose(client),
        7 => What::Close(client),
        8 => What::Fault(client, pick(rng, &faults)),
        9 => What::Nonsense(client),
        10 => What::LogIn(client),
        11 => What::Heard(client, size),
        12 => What::Call(client),
        13 => What::Address(client),
        14 => What::Push(to(rng), size),
        15 => What::Kick(rng.usize(..uids)),
        16 if rng.bool() => What::Sleep(Duration::from_micros(pace * rng.u64(10..300))),
        16 => What::SetBack(Duration::from_micros(pace * rng.u64(1..300))),
        _ => What::Shutdown(Duration::from_micros(pace * rng.u64(..300))),
    }
}

/// What is usual, or, seldom, something else.
fn rarely<T>(rng: &mut Rng, usual: T, tight: impl FnOnce(&mut Rng) -> T) -> T {
    if rng.u8(..) < 180 { usual } else { tight(rng) }
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}
