//! The world does what it says, also when a test that uses it fails.

use std::{
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use switchboard_testing::{
    Authentication, CloseReason, Config, ConnId, Denial, DuplicateUid, Event, Fault, Heartbeat,
    Kick, Problem, Received, Refused, RingLimit, SlowReader, Target, TimeoutReason, Verdict, World,
    closed, gap, logged_in, message, name, problem,
};

const SECOND: Duration = Duration::from_secs(1);

/// What a failing expectation says.
fn complaint(test: impl FnOnce()) -> String {
    let failed = panic::catch_unwind(AssertUnwindSafe(test)).expect_err("it should have failed");
    *failed.downcast::<String>().expect("a panic with words")
}

#[test]
fn clients_read_at_once_and_keep_it_for_the_test() {
    let mut world = World::new(Config::default()).with_model();
    let [alice, bob] = world.log_in(["alice", "bob"]);

    world.send(alice, "bob", "one");
    world.say(alice, "all:two");
    assert_eq!(world.hub().stats().payload_bytes, 0, "all is read");

    world.expect(bob, [message("one"), message("two")]);
    world.expect_nothing(bob);
    world.say(bob, "nonsense");
    world.expect_message(alice, "two");
    world.expect_problem(bob, "expected uid:message");
}

#[test]
fn by_hand_nobody_reads_or_answers_by_itself() {
    let heartbeat = Some(Heartbeat { interval: 10 * SECOND, timeout: 5 * SECOND });
    let mut world = World::by_hand(Config { heartbeat, ..Config::default() }).with_model();
    let [alice, bob] = world.log_in(["alice", "bob"]);

    world.send(alice, "bob", "hello");
    assert_eq!(world.hub().stats().payload_bytes, 5);
    world.pass(10 * SECOND);
    assert_eq!(world.pull(bob), [Received::Ping, message("hello")]);

    world.hear(bob);
    world.pass(5 * SECOND);
    assert_eq!(world.pull_one(alice), Some(closed(CloseReason::Silent)));
    assert_eq!(world.hub().stats().logged_in, 1);
}

#[test]
fn who_stops_reading_finds_a_gap_when_it_resumes() {
    let user_ring = RingLimit { entries: 2, bytes: 100 };
    let mut world = World::new(Config { user_ring, ..Config::default() }).with_model();
    let [alice, bob] = world.log_in(["alice", "bob"]);

    world.stop_reading(bob);
    for text in ["1", "2", "3"] {
        world.send(alice, "bob", text);
    }
    assert_eq!(world.hub().stats().payload_bytes, 2);
    world.resume_reading(bob);
    world.send(alice, "bob", "4");

    world.expect_gap(bob, 1);
    world.expect(bob, [message("2"), message("3"), message("4")]);
}

#[test]
fn who_stops_reading_and_is_overtaken_is_closed_where_that_is_the_policy() {
    let user_ring = RingLimit { entries: 1, bytes: 100 };
    let slow_reader = SlowReader::Close;
    let mut world = World::new(Config { user_ring, slow_reader, ..Config::default() }).with_model();
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.stop_reading(bob);
    world.send(alice, "bob", "1");
    world.send(alice, "bob", "2");
    world.resume_reading(bob);
    world.expect_close(bob, CloseReason::TooSlow);
}

#[test]
fn clients_answer_pings_until_they_fall_silent() {
    let heartbeat = Some(Heartbeat { interval: 55 * SECOND, timeout: 55 * SECOND });
    let mut world = World::new(Config { heartbeat, ..Config::default() }).with_model();
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.pass(3600 * SECOND);
    world.expect_nothing(bob);
    let pings = world.hub().stats().pings;
    assert!((130..=270).contains(&pings), "{pings} pings in an hour");

    world.fall_silent(bob);
    let before = world.elapsed();
    while world.hub().stats().logged_in == 2 {
        let next = world.hub().poll_timeout().expect("a heartbeat");
        world.pass(next.at.saturating_since(world.now()));
    }
    world.expect(bob, [Received::Ping, closed(CloseReason::Silent)]);
    assert!(world.elapsed() - before <= 110 * SECOND);
    world.expect_nothing(alice);
}

#[test]
fn time_passes_only_when_told_and_deadlines_come_at_their_instants() {
    let mut world = World::new(Config::default()).with_model();
    let start = world.now();
    let early = world.connect();
    world.pass(4 * SECOND);
    let late = world.connect();
    let deadline = world.hub().poll_timeout().expect("the login time");
    assert_eq!((deadline.at, deadline.why), (start + 10 * SECOND, TimeoutReason::Login));

    world.pass(6 * SECOND);
    world.expect_close(early, CloseReason::LoginTimeout);
    world.expect_nothing(late);
    world.pass(100 * SECOND);
    world.expect_close(late, CloseReason::LoginTimeout);
    assert_eq!(world.elapsed(), 110 * SECOND);
    assert_eq!(world.hub().stats().connections, 0, "clients hang up when they are told to go");
    assert_eq!(world.dropped(), []);
}

#[test]
fn who_stops_reading_does_not_hang_up_and_is_dropped() {
    let mut world = World::new(Config::default()).with_model();
    let [bob] = world.log_in(["bob"]);
    world.stop_reading(bob);
    assert_eq!(world.kick("bob", &Kick::default()), 1);
    world.pass(2 * SECOND);
    assert_eq!(world.dropped(), [bob]);
}

#[test]
fn credentials_are_checked_by_hand_or_at_once() {
    let authentication = Authentication::Checked;
    let mut world = World::new(Config { authentication, ..Config::default() }).with_model();
    let [alice, bob, eve] = [(); 3].map(|()| world.connect());
    let for_alice = world.authenticate(alice, "secret").expect("a check");
    let for_bob = world.authenticate(bob, "secret").expect("a check");
    world.verdict(for_bob, Verdict::Denied(Denial::Expired));
    world.verdict(for_alice, Verdict::Accepted(name("alice")));
    world.expect(bob, [problem("the credential has expired")]);
    world.expect(alice, [logged_in("alice")]);

    let mut asked = 0;
    world.check_with(move |credential| {
        asked += 1;
        if asked == 1 { Err(Denial::Forbidden) } else { Ok(credential.to_uppercase()) }
    });
    assert_eq!(world.authenticate(eve, "eve"), None);
    world.say(eve, "eve");
    world.expect(eve, [problem("access denied"), logged_in("EVE")]);
}

#[test]
fn other_systems_push_kick_and_hear_of_events() {
    let duplicate_uid = DuplicateUid::Share;
    let mut world = World::new(Config { duplicate_uid, ..Config::default() }).with_model();
    let [one, two, eve] = world.log_in(["bob", "bob", "eve"]);
    world.join(eve, "chess");
    assert_eq!(world.push_to("bob", "hello"), 2);
    assert_eq!(world.push_to("carol", "hello"), 0);
    assert_eq!(world.push(Target::Group(name("chess")), "check"), Ok(1));
    let nobody = Problem::GroupEmpty("go".into());
    assert_eq!(world.push(Target::Group(name("go")), "check"), Err(nobody));
    world.expect(eve, [message("check")]);

    let kick = Kick::new(4242, "enough").expect("a kick");
    world.events();
    assert_eq!(world.kick("bob", &kick), 2);
    let who = |event: Event| match event {
        Event::Closed { conn, login: Some(login), .. } => (conn, login.generation),
        other => panic!("{other:?}"),
    };
    let closes: Vec<(ConnId, u64)> = world.events().into_iter().map(who).collect();
    assert_eq!(closes, [(one, 1), (two, 2)]);
    for bob in [one, two] {
        world.expect(bob, [message("hello"), closed(CloseReason::Kicked(kick.clone()))]);
    }
}

#[test]
fn connections_come_from_somewhere_and_go_in_all_ways() {
    let config = Config { max_connections_per_address: Some(1), ..Config::default() };
    let mut world = World::new(config).with_model();
    let first = world.connect_from("192.0.2.1").expect("the first");
    let refused = Err(Refused::TooManyFromAddress);
    assert_eq!(world.connect_from("192.0.2.1"), refused);
    let other = world.connect();
    world.comes_from(other, "192.0.2.1");
    world.expect_close(other, CloseReason::TooManyFromAddress);
    world.disconnect(first);
    let again = world.connect_from("192.0.2.1").expect("there is room again");
    world.peer_closed(again);
    world.expect_close(again, CloseReason::PeerClosed);
    let binary = world.connect();
    world.fault(binary, Fault::Binary);
    world.expect_close(binary, CloseReason::Fault(Fault::Binary));

    let [bob] = world.log_in(["bob"]);
    world.shut_down(Duration::ZERO);
    world.expect_close(bob, CloseReason::Shutdown);
    assert_eq!(world.try_connect(), Err(Refused::ShuttingDown));
    assert!(complaint(|| _ = world.connect()).ends_with("the server is stopping"));
}

#[test]
fn a_complaint_says_of_whom_what_was_expected_what_came_and_when() {
    let mut world = World::new(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.pass(Duration::from_millis(1500));
    world.send(alice, "bob", "hello");
    let told = complaint(|| world.expect(bob, [message("goodbye"), gap(3)]));
    assert_eq!(
        told,
        "bob, after 1.5s\n  expected the message \"goodbye\", a gap of 3\n  \
         received the message \"hello\"",
    );
    let told = complaint(|| world.expect_ping(bob));
    assert_eq!(told, "bob, after 1.5s\n  expected a ping\n  received nothing");

    world.kick("bob", &Kick::default());
    let told = complaint(|| world.expect_nothing(bob));
    assert!(told.ends_with("expected nothing\n  received a close with 4000 (kicked)"), "{told}");

    world.say(alice, "nobody:hi");
    let told = complaint(|| world.expect_close(alice, CloseReason::PeerClosed));
    assert!(told.contains("expected a close (closed by the client)"), "{told}");
    assert!(told.ends_with("received the problem \"nobody is not online\""), "{told}");
    let [eve] = world.log_in(["eve"]);
    let told = complaint(|| world.expect_next(eve, logged_in("eve")));
    assert!(told.contains("expected the login as \"eve\""), "{told}");
}

#[test]
fn who_does_not_get_in_is_told_of() {
    let duplicate_uid = DuplicateUid::Reject;
    let mut world = World::new(Config { duplicate_uid, ..Config::default() });
    world.log_in(["bob"]);
    let told = complaint(|| _ = world.log_in(["bob"]));
    assert!(told.contains("received the problem \"bob is already online\""), "{told}");
    assert!(complaint(|| _ = name("a:b")).starts_with("\"a:b\" is no name"));
}

#[test]
#[should_panic(expected = "a model starts with the world")]
fn a_model_comes_first_or_not_at_all() {
    let mut world = World::new(Config::default());
    world.pass(SECOND);
    drop(world.with_model());
}
