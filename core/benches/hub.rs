//! What the hub itself costs, without sockets: `cargo bench --package switchboard-core`.
//!
//! Figures are nanoseconds a delivery, or a message, as the counters' throughput says; compare them
//! within one run only.

use std::sync::Arc;

use divan::{Bencher, black_box, counter::ItemsCount};
use switchboard_core::{Config, ConnId, Frame, Hub, Input, Instant, Name, Output, Request, Target};

fn main() {
    divan::main();
}

type Payload = Arc<str>;

/// A hub where so many are logged in, each as its number.
fn crowd(users: usize) -> (Hub<Payload>, Vec<ConnId>) {
    let now = Instant::ZERO;
    let mut hub = Hub::new(Config { max_connections: users, ..Config::default() }, 1, now);
    let conns = (0..users).map(|user| {
        let conn = hub.connect(now, None).expect("room");
        let uid = user.to_string();
        let uid = Name::new(&uid).expect("a name");
        hub.handle(now, Input::Request { conn, request: Request::Login(uid), size: 8 });
        while hub.poll_output().is_some() {}
        while hub.poll_frame(conn).is_some() {}
        conn
    });
    let conns = conns.collect();
    (hub, conns)
}

/// Carries all outputs out, as an adapter whose sockets take everything. Returns the deliveries.
fn deliver(hub: &mut Hub<Payload>) -> usize {
    let mut delivered = 0;
    while let Some(output) = hub.poll_output() {
        if let Output::Ready { conn } = output {
            while let Some(frame) = hub.poll_frame(conn) {
                delivered += usize::from(matches!(black_box(frame), Frame::Message { .. }));
            }
        }
    }
    delivered
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 20)]
fn broadcast(bencher: Bencher<'_, '_>, users: usize) {
    let (mut hub, conns) = crowd(users);
    let payload: Payload = "x".repeat(64).into();
    bencher.counter(ItemsCount::new(users)).bench_local(|| {
        let request = Request::Send { to: Target::Everyone, payload: Arc::clone(&payload) };
        hub.handle(Instant::ZERO, Input::Request { conn: conns[0], request, size: 68 });
        assert_eq!(deliver(&mut hub), users);
    });
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 20)]
fn broadcast_of_eight(bencher: Bencher<'_, '_>, users: usize) {
    let (mut hub, conns) = crowd(users);
    let payload: Payload = "x".repeat(64).into();
    bencher.counter(ItemsCount::new(8 * users)).bench_local(|| {
        for _ in 0..8 {
            let request = Request::Send { to: Target::Everyone, payload: Arc::clone(&payload) };
            hub.handle(Instant::ZERO, Input::Request { conn: conns[0], request, size: 68 });
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
            let request = Request::Send { to, payload: Arc::clone(&payload) };
            hub.handle(Instant::ZERO, Input::Request { conn: conns[from], request, size: 70 });
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
            let request = Request::Send { to, payload: Arc::clone(&payload) };
            let conn = conns[from * step];
            hub.handle(Instant::ZERO, Input::Request { conn, request, size: 70 });
            delivered += deliver(&mut hub);
        }
        assert_eq!(delivered, MESSAGES);
    });
}
