//! Files that no recorder wrote.

use std::sync::{Arc, Mutex};

use proptest::{collection::vec, prelude::*, sample::Index};
use switchboard_core::{
    Config, Fault, Hub, Input, Instant, Kick, Name, Problem, Request, RingLimit, Target,
};
use switchboard_trace::{
    Block, Bodies, Body, Checkpoint, Digest, Explain, Filter, Op, Recorded, Replay, Tape, Trace,
    TraceError,
};

/// A file with a bit of everything.
fn file() -> Vec<u8> {
    let file = Arc::new(Mutex::new(Vec::new()));
    let writes = Arc::clone(&file);
    let now = Instant::ZERO;
    let ring = RingLimit { entries: 2, bytes: 100 };
    let config = Config { everyone_ring: ring, user_ring: ring, ..Config::default() };
    let hub: Hub<Arc<str>> = Hub::new(config, 0, now);
    let sink = move |bytes: Vec<u8>| writes.lock().expect("no panic").extend(bytes);
    let tape = Tape::new(&hub, now, 0, Bodies::Whole, sink);
    let mut hub = Recorded::new(hub, Some(tape));
    let name = |uid| Name::new(uid).expect("a name");
    let conns = ["alice", "bob"].map(|uid| {
        let conn = hub.connect(now, Some([10, 0, 0, 1].into())).expect("there is room");
        let request = Request::Login(name(uid));
        hub.handle(now, Input::Request { conn, request, size: 5 });
        conn
    });
    let conn = conns[0];
    let chess = name("chess");
    let send = |to| Request::Send { to, payload: Arc::from("hello") };
    let requests = [
        Request::Join(chess),
        send(Target::Group(chess)),
        send(Target::Everyone),
        send(Target::User(name("bob"))),
        send(Target::User(name("eve"))),
        Request::Leave(chess),
        Request::Invalid(Problem::ExpectedUidMessage),
    ];
    for request in requests {
        hub.handle(now, Input::Request { conn, request, size: 9 });
        while hub.poll_output().is_some() {}
        hub.poll_frame(conn);
    }
    let _taken = hub.push(now, Target::Everyone, "news".into());
    let _kicked = hub.kick(now, name("alice"), &Kick::new(4001, "go").expect("a kick"));
    hub.handle(now, Input::Fault { conn: conns[1], fault: Fault::TooLarge });
    hub.handle(Instant::from_micros(99_000_000), Input::Timeout);
    for conn in conns {
        while hub.poll_frame(conn).is_some() {}
        hub.handle(now, Input::Disconnected { conn });
    }
    while hub.poll_output().is_some() {}
    hub.flush();
    std::mem::take(&mut *file.lock().expect("no panic"))
}

fn begin(file: &[u8]) -> (Replay, Vec<Block<'_>>) {
    let (replay, blocks) = Trace::new(file).and_then(Trace::replay).expect("a file");
    (replay, blocks.collect::<Result<_, _>>().expect("a whole one"))
}

/// The block of these operations.
fn block(ops: &[Op<'_>]) -> Vec<u8> {
    let checkpoint = Checkpoint { ops: ops.len() as u64, digest: Digest::default() };
    let mut content = postcard::to_allocvec(&checkpoint).expect("memory takes it");
    for op in ops {
        content.extend(postcard::to_allocvec(op).expect("memory takes it"));
    }
    content
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a block says, it is played or refused, and the hub holds together.
    #[test]
    fn any_block_is_taken_or_refused(
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        uid in prop_oneof![Just("alice"), Just("bob"), Just("nobody")],
    ) {
        let file = file();
        let (mut replay, blocks) = begin(&file);
        prop_assert_eq!(blocks.len(), 1);
        let mut content = blocks[0].bytes.to_vec();
        // How many operations there are is left as it is.
        let (_, ops) = postcard::take_from_bytes::<Checkpoint>(&content).expect("a checkpoint");
        let from = content.len() - ops.len();
        for (place, byte) in changes {
            let place = from + place.index(content.len() - from);
            content[place] = byte;
        }
        let mut explain = Explain::new(uid, Filter::Any);
        let _played = replay.play(Block { at: 10, bytes: &content }, &mut explain);
        replay.hub().assert_consistent();
        for account in explain.finish() {
            prop_assert!(!account.fates.is_empty());
        }
    }
}

#[test]
fn no_message_is_larger_than_there_can_be() {
    let file = file();
    for (size, is_taken) in [(1 << 30, true), ((1 << 30) + 1, false), (usize::MAX, false)] {
        let payload = Body::Hashed { size, hash: 0 };
        let push = Op::Input { after: 0, input: Input::Push { to: Target::Everyone, payload } };
        let (mut replay, _) = begin(&file);
        let content = block(&[push.clone(), push]);
        let _refused =
            replay.play(Block { at: 10, bytes: &content }, &mut ()).expect_err("it is new");
        assert_eq!(replay.inputs(), if is_taken { 2 } else { 0 }, "{size}");
    }
}

/// As a file system leaves them behind where the power failed.
#[test]
fn zeros_at_the_end_are_a_torn_block() {
    let mut file = file();
    let at = file.len();
    file.extend([0; 4096]);
    let (_, mut blocks) = Trace::new(&file).and_then(Trace::replay).expect("a file");
    assert!(blocks.next().is_some_and(|block| block.is_ok()));
    assert_eq!(blocks.next(), Some(Err(TraceError::Torn { at })));
    assert_eq!(blocks.next(), None);
}
