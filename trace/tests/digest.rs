//! What the digest says, and what it leaves out.

use std::sync::Arc;

use switchboard_core::{Config, Fault, Hub, Input, Instant, Name, Request};
use switchboard_trace::{Bodies, Digest, Recorded, Tape};

/// Somebody logs in, breaks the protocol and is gone. A quick server has seen to what the hub says of
/// it before, a slow one has not.
fn day(is_quick: bool) -> Digest {
    let now = Instant::ZERO;
    let hub: Hub<Arc<str>> = Hub::new(Config::default(), 0, now);
    let tape = Tape::new(&hub, now, 0, Bodies::Hashed, drop);
    let mut hub = Recorded::new(hub, Some(tape));
    let conn = hub.connect(now, None).expect("there is room");
    let alice = Request::Login(Name::new("alice").expect("a name"));
    hub.handle(now, Input::Request { conn, request: alice, size: 5 });
    while hub.poll_frame(conn).is_some() {}
    hub.handle(now, Input::Fault { conn, fault: Fault::Protocol });
    if is_quick {
        while hub.poll_output().is_some() {}
    }
    hub.handle(now, Input::Disconnected { conn });
    while hub.poll_output().is_some() {}
    hub.digest().expect("there is a tape")
}

#[test]
fn what_everybody_was_told_does_not_depend_on_who_was_quicker() {
    let (quick, slow) = (day(true), day(false));
    assert_eq!(quick.told, slow.told);
    assert_ne!(quick.exact, slow.exact);
}
