//! What it costs to write a hub's state out and to read it back:
//! `cargo bench --package switchboard-core --features serde --bench state`.

#[allow(dead_code, reason = "here nobody says anything")]
mod crowd;

use crowd::{Payload, crowd};
use divan::{
    Bencher,
    counter::{BytesCount, ItemsCount},
};
use switchboard_core::{Hub, HubState, Input, Instant};

fn main() {
    for users in USERS {
        let bytes = to_bytes(&quiet(users)).len();
        println!("{users} users in {bytes} bytes, {} each", bytes / users);
    }
    divan::main();
}

const USERS: [usize; 3] = [1_000, 10_000, 100_000];

/// Users who say nothing, after a week.
fn quiet(users: usize) -> Hub<Payload> {
    let (mut hub, conns) = crowd(users);
    let week = Instant::from_micros(7 * 24 * 3600 * 1_000_000);
    for conn in conns {
        hub.handle(week, Input::Heard { conn, size: 2 });
    }
    while hub.poll_timeout().is_some_and(|deadline| deadline.at <= week) {
        hub.handle(week, Input::Timeout);
    }
    hub
}

fn to_bytes(hub: &Hub<Payload>) -> Vec<u8> {
    postcard::to_allocvec(&hub.save()).expect("memory takes it")
}

#[divan::bench(args = USERS, sample_count = 20)]
fn save(bencher: Bencher<'_, '_>, users: usize) {
    let hub = quiet(users);
    let bytes = BytesCount::new(to_bytes(&hub).len());
    bencher.counter(ItemsCount::new(users)).counter(bytes).bench_local(|| to_bytes(&hub));
}

#[divan::bench(args = USERS, sample_count = 20)]
fn restore(bencher: Bencher<'_, '_>, users: usize) {
    let bytes = to_bytes(&quiet(users));
    let size = BytesCount::new(bytes.len());
    bencher.counter(ItemsCount::new(users)).counter(size).bench_local(|| {
        let state: HubState<Payload> = postcard::from_bytes(&bytes).expect("a state");
        Hub::restore(state, 2).expect("a hub")
    });
}
