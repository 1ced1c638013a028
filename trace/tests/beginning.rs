//! What a file begins with that goes on where another ends.

use std::{convert::Infallible, sync::Arc};

use switchboard_core::{
    Config, ConnId, Frame, Hub, Input, Instant, Name, Request, RingLimit, Stage, Target,
};
use switchboard_trace::{Beginning, Bodies, Recorded, Tape, Trace};

const MIB: usize = 1 << 20;

/// A hub, somebody who has so many messages of a mebibyte to read, and the state.
fn hub(messages: usize) -> (Recorded<Arc<str>>, ConnId, Beginning<Arc<str>>) {
    let now = Instant::ZERO;
    let user_ring = RingLimit { entries: messages, bytes: messages * MIB };
    let hub = Hub::new(Config { user_ring, ..Config::default() }, 0, now);
    let tape = Tape::new(&hub, now, 0, Bodies::Whole, drop);
    let mut hub = Recorded::new(hub, Some(tape));
    let conn = hub.connect(now, None).expect("there is room");
    let alice = Name::new("alice").expect("a name");
    hub.handle(now, Input::Request { conn, request: Request::Login(alice), size: 1 });
    for _ in 0..messages {
        hub.push(now, Target::User(alice), "m".repeat(MIB).into()).expect("she is online");
    }
    let beginning = hub.go_on(0).expect("there is a tape");
    (hub, conn, beginning)
}

#[test]
fn a_large_state_is_written_in_pieces() {
    let (mut hub, conn, beginning) = hub(5);
    let mut pieces = Vec::new();
    let Ok(()) = beginning.write(|bytes| {
        pieces.push(bytes.to_vec());
        Ok::<_, Infallible>(())
    });
    assert!(pieces.len() > 5);
    assert!(pieces.iter().all(|piece| piece.len() <= 2 * MIB + 64));

    let file = pieces.concat();
    let (replay, mut blocks) = Trace::new(&file).and_then(Trace::replay).expect("it is whole");
    assert!(blocks.next().is_none());
    assert_eq!(replay.hub().stats(), hub.stats());
    assert_eq!(replay.hub().stage(conn), Stage::Open);
    let told = std::iter::from_fn(|| hub.poll_frame(conn));
    assert_eq!(told.filter(|frame| matches!(frame, Frame::Message { .. })).count(), 5);

    // Each piece is missed.
    for without in 0..pieces.len() {
        let mut pieces = pieces.clone();
        pieces.remove(without);
        let file = pieces.concat();
        assert!(Trace::new(&file).and_then(Trace::replay).is_err(), "without {without}");
    }
}

#[test]
fn a_sink_that_fails_is_left_alone() {
    let (_, _, beginning) = hub(5);
    let mut calls = 0;
    let written = beginning.write(|_| {
        calls += 1;
        if calls == 3 { Err("the disk is full") } else { Ok(()) }
    });
    assert_eq!((written, calls), (Err("the disk is full"), 3));
}
