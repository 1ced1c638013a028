//! What is written for others to read: a recording, and one that goes on with a hub's state. Files that
//! were written before are read as long as their version is the same, so what they hold may change only
//! with it.

use std::{
    convert::Infallible,
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use switchboard_core::{
    Config, Fault, Hub, HubState, Input, Instant, Kick, Name, Problem, Request, RingLimit, Target,
};
use switchboard_trace::{Bodies, Recorded, Tape, Trace, VERSION};

/// The versions that the files in `tests/golden` have.
const VERSIONS: (u16, u32) = (2, 1);

fn name(uid: &str) -> Name<'_> {
    Name::new(uid).expect("a name")
}

/// The same day each time, in two files.
fn day() -> [Vec<u8>; 2] {
    let file = Arc::new(Mutex::new(Vec::new()));
    let writes = Arc::clone(&file);
    let ring = RingLimit { entries: 2, bytes: 100 };
    let config = Config { everyone_ring: ring, user_ring: ring, ..Config::default() };
    let start = Instant::from_micros(5);
    let hub: Hub<Arc<str>> = Hub::new(config, 0, start);
    let sink = move |bytes: Vec<u8>| writes.lock().expect("no panic").extend(bytes);
    let tape = Tape::new(&hub, start, 1_700_000_000_000_000, Bodies::Whole, sink);
    let mut hub = Recorded::new(hub, Some(tape));
    let conns = ["alice", "bob", "carol"].map(|uid| {
        let conn = hub.connect(start, Some([192, 0, 2, 1].into())).expect("there is room");
        let request = Request::Login(name(uid));
        hub.handle(start, Input::Request { conn, request, size: 5 });
        conn
    });
    let send = |to| Request::Send { to, payload: Arc::from("hello") };
    let requests = [
        Request::Join(name("tea")),
        send(Target::Group(name("tea"))),
        send(Target::Everyone),
        send(Target::User(name("bob"))),
        send(Target::User(name("eve"))),
        Request::Leave(name("tea")),
        Request::Invalid(Problem::ExpectedUidMessage),
    ];
    let mut now = start;
    for request in requests {
        now = Instant::from_micros(now.as_micros() + 1_000);
        hub.handle(now, Input::Request { conn: conns[0], request, size: 9 });
        while hub.poll_output().is_some() {}
        while hub.poll_frame(conns[0]).is_some() {}
    }
    hub.flush();
    let first = std::mem::take(&mut *file.lock().expect("no panic"));

    let beginning = hub.go_on(1_700_000_000_500_000).expect("there is a tape");
    let Ok(()) = beginning.write(|bytes| {
        file.lock().expect("no panic").extend_from_slice(bytes);
        Ok::<_, Infallible>(())
    });
    for text in ["news", "more news", "the last"] {
        hub.push(now, Target::Everyone, text.into()).expect("somebody is there");
    }
    hub.kick(now, name("carol"), &Kick::new(4001, "go").expect("a kick"));
    hub.handle(now, Input::Fault { conn: conns[1], fault: Fault::TooLarge });
    for conn in conns {
        while hub.poll_frame(conn).is_some() {}
        hub.handle(now, Input::Disconnected { conn });
    }
    while hub.poll_output().is_some() {}
    hub.flush();
    let second = std::mem::take(&mut *file.lock().expect("no panic"));
    [first, second]
}

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

#[test]
fn what_is_written_changes_with_its_version_only() {
    assert_eq!((VERSION, HubState::<Arc<str>>::VERSION), VERSIONS, "write tests/golden anew");
    for (name, now) in ["first.trace", "second.trace"].into_iter().zip(day()) {
        let path = committed(name);
        if env::var_os("GOLDEN").is_some() {
            fs::write(&path, &now).expect("it can be written");
        }
        let before = fs::read(&path).expect("it is committed");
        assert!(
            now == before,
            "{name} is written in another way: raise the version of what has changed, the \
             recording's or the state's; then GOLDEN=1 in the environment writes the files anew"
        );
    }
}

#[test]
fn what_was_written_is_read() {
    for (name, inputs) in [("first.trace", 13), ("second.trace", 8)] {
        let file = fs::read(committed(name)).expect("it is committed");
        let (mut replay, blocks) = Trace::new(&file).and_then(Trace::replay).expect("it is one");
        for block in blocks {
            replay.play(block.expect("it is whole"), &mut ()).expect("the same is told");
        }
        assert_eq!(replay.inputs(), inputs, "{name}");
    }
}
