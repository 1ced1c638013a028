//! What the hub does, over and over, for who counts its instructions: `instructions WHAT TIMES`.
//! `tests/instructions.rs` does, where time is too noisy to tell.

mod crowd;

use std::env;

use crowd::{Payload, crowd, deliver, send};
use switchboard_core::{Hub, Input, Instant, Name, Request, Target};

const USERS: usize = 1_000;

fn main() {
    let mut arguments = env::args().skip(1);
    let what = arguments.next().expect("what to do");
    // As a benchmark it has nothing to say.
    let Some(times) = arguments.next().and_then(|times| times.parse().ok()) else { return };
    let (mut hub, conns) = crowd(USERS);
    let payload: Payload = "x".repeat(64).into();
    for time in 0..times {
        match what.as_str() {
            "broadcast" => {
                send(&mut hub, conns[0], Target::Everyone, &payload);
                assert_eq!(deliver(&mut hub), USERS);
            }
            "broadcast-of-8" => {
                for _ in 0..8 {
                    send(&mut hub, conns[0], Target::Everyone, &payload);
                }
                assert_eq!(deliver(&mut hub), 8 * USERS);
            }
            "unicast" => {
                for (message, from) in conns.iter().enumerate() {
                    let uid = ((message * 7 + time) % USERS).to_string();
                    let to = Target::User(Name::new(&uid).expect("a name"));
                    send(&mut hub, *from, to, &payload);
                    assert_eq!(deliver(&mut hub), 1);
                }
            }
            "login" => {
                for user in 0..USERS {
                    come_and_go(&mut hub, &format!("visitor {user}"));
                }
            }
            _ => panic!("there is no {what}"),
        }
    }
}

fn come_and_go(hub: &mut Hub<Payload>, uid: &str) {
    let conn = hub.connect(Instant::ZERO, None).expect("room");
    let request = Request::Login(Name::new(uid).expect("a name"));
    hub.handle(Instant::ZERO, Input::Request { conn, request, size: 8 });
    deliver(hub);
    hub.handle(Instant::ZERO, Input::Disconnected { conn });
    deliver(hub);
}
