//! What other systems push, close and know, in virtual time.

use std::time::Duration;

use switchboard_core::{
    CloseReason, Config, DuplicateUid, Event, Kick, KickError, Problem, RingLimit, Target,
};
use switchboard_testing::{World, closed, message, name};

const SECOND: Duration = Duration::from_secs(1);

fn shared() -> World {
    World::by_hand(Config { duplicate_uid: DuplicateUid::Share, ..Config::default() })
}

#[test]
fn a_push_reaches_a_user_and_tells_how_many_connections_took_it() {
    let mut world = shared();
    let [eve, one, two] = world.log_in(["eve", "bob", "bob"]);
    assert_eq!(world.push(Target::User(name("bob")), "hello"), Ok(2));
    assert_eq!(world.pull(one), [message("hello")]);
    assert_eq!(world.pull(two), [message("hello")]);
    assert_eq!(world.pull(eve), []);
    assert_eq!(world.push(Target::Everyone, "all"), Ok(3));
    assert_eq!(world.push(Target::User(name("carol")), "?"), {
        Err(Problem::NotOnline("carol".into()))
    });
    world.join(eve, "g");
    assert_eq!(world.push(Target::Group(name("g")), "group"), Ok(1));
    assert_eq!(world.pull(eve), [message("all"), message("group")]);
    assert_eq!(world.push(Target::Group(name("h")), "?"), Err(Problem::GroupEmpty("h".into())));
    let stats = world.hub().stats();
    assert_eq!((stats.accepted, stats.delivered), (3, 4));
}

#[test]
fn a_push_to_everybody_when_nobody_is_there_leaves_nothing_behind() {
    let mut world = World::by_hand(Config::default());
    assert_eq!(world.push(Target::Everyone, "hello?"), Ok(0));
    assert_eq!(world.hub().stats().payload_bytes, 0);
}

#[test]
fn a_push_that_fits_no_ring_is_refused() {
    let ring = RingLimit { entries: 8, bytes: 4 };
    let mut world = World::by_hand(Config { user_ring: ring, ..Config::default() });
    let [bob] = world.log_in(["bob"]);
    let refused = world.push(Target::User(name("bob")), "hello");
    assert_eq!(refused, Err(Problem::TooLarge { size: 5, limit: 4 }));
    assert_eq!(world.pull(bob), []);
}

#[test]
fn who_is_kicked_reads_what_came_before_and_then_why() {
    let mut world = shared();
    let [one, eve, two] = world.log_in(["bob", "eve", "bob"]);
    world.send(eve, "bob", "before");
    let kick = Kick::new(4242, "enough").unwrap();
    assert_eq!(world.kick("bob", &kick), 2);
    assert_eq!(world.push(Target::User(name("bob")), "after"), {
        Err(Problem::NotOnline("bob".into()))
    });
    for bob in [one, two] {
        let kicked = CloseReason::Kicked(kick.clone());
        assert_eq!((kicked.code(), kicked.text()), (Some(4242), "enough"));
        assert_eq!(world.pull(bob), [message("before"), closed(kicked)]);
    }
    assert_eq!(world.kick("bob", &kick), 0);
    assert_eq!(world.hub().users(None).map(|user| user.uid).collect::<Vec<_>>(), ["eve"]);
    // The name is free at once.
    world.log_in(["bob"]);
}

#[test]
fn a_kick_is_what_applications_may_close_with() {
    for code in [1000, 3000, 4000, 4999] {
        assert_eq!(Kick::new(code, "").map(|kick| kick.code()), Ok(code));
    }
    for code in [0, 999, 1001, 1006, 1015, 2999, 5000, u16::MAX] {
        assert_eq!(Kick::new(code, ""), Err(KickError::Code(code)));
    }
    assert!(Kick::new(4000, &"r".repeat(123)).is_ok());
    assert_eq!(Kick::new(4000, &"r".repeat(124)), Err(KickError::Reason(124)));
}

#[test]
fn a_list_in_pages_neither_misses_nor_repeats_who_stays() {
    let mut world = World::by_hand(Config::default());
    let [_, b, _, d, _] = world.log_in(["a", "b", "c", "d", "e"]);
    let page = |world: &World, after: Option<&str>| -> Vec<String> {
        world.hub().users(after).take(2).map(|user| user.uid.to_owned()).collect()
    };
    assert_eq!(page(&world, None), ["a", "b"]);
    world.disconnect(b);
    world.disconnect(d);
    world.log_in(["aa", "cc"]);
    assert_eq!(page(&world, Some("b")), ["c", "cc"]);
    assert_eq!(page(&world, Some("cc")), ["e"]);
    assert_eq!(page(&world, Some("e")), Vec::<String>::new());
}

#[test]
fn sessions_tell_since_when_and_when_heard_last() {
    let mut world = shared();
    let [one] = world.log_in(["bob"]);
    world.pass(3 * SECOND);
    let [two] = world.log_in(["bob"]);
    world.pass(SECOND);
    world.hear(one);
    let mut sessions: Vec<_> = world.hub().sessions(name("bob")).collect();
    sessions.sort_by_key(|session| session.generation);
    let [first, second] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!((first.conn, second.conn), (one, two));
    assert_eq!(second.since.saturating_since(first.since), 3 * SECOND);
    assert_eq!(first.heard.saturating_since(first.since), 4 * SECOND);
    assert_eq!(second.heard, second.since);
    assert_eq!(world.hub().sessions(name("eve")).count(), 0);
}

#[test]
fn events_are_numbered_and_a_login_is_told_apart_from_the_one_that_replaces_it() {
    let mut world = World::by_hand(Config::default());
    let [older, newer] = world.log_in(["bob", "bob"]);
    let stranger = world.connect();
    world.disconnect(stranger);
    world.disconnect(newer);
    let events = world.events();
    let [
        Event::LoggedIn { seq: 1, conn: c1, login: l1 },
        Event::Closed { seq: 2, conn: c2, login: Some(l2), reason: CloseReason::Replaced },
        Event::LoggedIn { seq: 3, conn: c3, login: l3 },
        Event::Closed { seq: 4, login: None, reason: CloseReason::Disconnected, .. },
        Event::Closed { seq: 5, login: Some(l5), reason: CloseReason::Disconnected, .. },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!((c1, c2, c3), (&older, &older, &newer));
    assert_eq!((l1.generation, l1), (1, l2));
    assert_eq!((l3.generation, l3), (3, l5));
}

#[test]
fn who_calls_has_time_for_the_next_call_from_then_on() {
    let login_timeout = 10 * SECOND;
    let mut world = World::by_hand(Config { login_timeout, ..Config::default() });
    let conn = world.connect();
    for _ in 0..5 {
        world.pass(9 * SECOND);
        assert_eq!(world.pull(conn), []);
        world.called(conn);
    }
    world.pass(10 * SECOND);
    assert_eq!(world.pull(conn), [closed(CloseReason::LoginTimeout)]);
    world.called(conn);
    world.pass(2 * SECOND);
    assert_eq!(world.dropped(), [conn]);
    let stale = world.hub().stats().stale;
    world.called(conn);
    assert_eq!(world.hub().stats().stale, stale + 1);
}

#[test]
fn a_call_does_not_log_out() {
    let config = Config { heartbeat: None, stall_timeout: None, ..Config::default() };
    let mut world = World::by_hand(config);
    let [bob] = world.log_in(["bob"]);
    world.called(bob);
    world.pass(3600 * SECOND);
    assert_eq!(world.pull(bob), []);
}

#[test]
fn figures_say_how_long_a_broadcast_waits_and_why_connections_ended() {
    let mut world = World::by_hand(Config { stall_timeout: None, ..Config::default() });
    let [bob, eve] = world.log_in(["bob", "eve"]);
    assert_eq!(world.hub().stats().oldest_to_everyone, None);
    world.push(Target::Everyone, "hello").unwrap();
    world.pass(5 * SECOND);
    world.pull(bob);
    world.hear(bob);
    let stats = world.hub().stats();
    assert_eq!(stats.oldest_to_everyone, Some(5 * SECOND));
    assert_eq!((stats.received_bytes, stats.delivered_bytes), (5, 5));
    world.pull(eve);
    assert_eq!(world.hub().stats().oldest_to_everyone, None);
    world.kick("bob", &Kick::default());
    world.disconnect(eve);
    let ended: Vec<_> = world.hub().stats().closed.iter().filter(|(_, n)| *n > 0).collect();
    assert_eq!(ended, [("disconnected", 1), ("kicked", 1)]);
}
