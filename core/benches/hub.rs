//! What the hub itself costs, without sockets: `cargo bench --package switchboard-core`.
//!
//! Figures are nanoseconds a delivery, or a message, as the counters' throughput says; compare them
//! within one run only.

mod crowd;

use crowd::{Payload, crowd, deliver, send};
use divan::{Bencher, counter::ItemsCount};
use switchboard_core::{Name, Target};

fn main() {
    divan::main();
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 20)]
fn broadcast(bencher: Bencher<'_, '_>, users: usize) {
    let (mut hub, conns) = crowd(users);
    let payload: Payload = "x".repeat(64).into();
    bencher.counter(ItemsCount::new(users)).bench_local(|| {
        send(&mut hub, conns[0], Target::Everyone, &payload);
        assert_eq!(deliver(&mut hub), users);
    });
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 20)]
fn broadcast_of_eight(bencher: Bencher<'_, '_>, users: usize) {
    let (mut hub, conns) = crowd(users);
    let payload: Payload = "x".repeat(64).into();
    bencher.counter(ItemsCount::new(8 * users)).bench_local(|| {
        for _ in 0..8 {
            send(&mut hub, conns[0], Target::Everyone, &payload);
        }
        assert_eq!(deliver(&mut hub), 8 * users);
    });
}

/// Messages from one to another, all over the crowd.
const MESSAGES: usize = 1_000;

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 100)]
fn unicast(bencher: Bencher<'_, '_>, users: usize) {
    let (mut hub, conns) = crowd(users);
    let payload: Payload = "x".repeat(64).into();
    let uids: Vec<String> = (0..users).map(|user| user.to_string()).collect();
    // A full cycle through all users, in steps that no cache foresees.
    let mut next = (0..).map(|i: usize| i.wrapping_mul(0x9E37_79B1) % users);
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        let mut delivered = 0;
        for _ in 0..MESSAGES {
            let (from, to) = (next.next().expect("endless"), next.next().expect("endless"));
            let to = Target::User(Name::new(&uids[to]).expect("a name"));
            send(&mut hub, conns[from], to, &payload);
            delivered += deliver(&mut hub);
        }
        assert_eq!(delivered, MESSAGES);
    });
}

/// The same among a few who talk, while the others are online and silent.
#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 100)]
fn unicast_of_200(bencher: Bencher<'_, '_>, users: usize) {
    let (mut hub, conns) = crowd(users);
    let payload: Payload = "x".repeat(64).into();
    let step = users / 200;
    let uids: Vec<String> = (0..200).map(|user| (user * step).to_string()).collect();
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        let mut delivered = 0;
        for message in 0..MESSAGES {
            let (from, to) = (message % 200, (message * 7 + 1) % 200);
            let to = Target::User(Name::new(&uids[to]).expect("a name"));
            send(&mut hub, conns[from * step], to, &payload);
            delivered += deliver(&mut hub);
        }
        assert_eq!(delivered, MESSAGES);
    });
}
