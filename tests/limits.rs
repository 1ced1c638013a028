//! How much a connection, and an address, may ask for. In virtual time.

use std::time::Duration;

use switchboard_core::{CloseReason, Config, Fault, Rate, Refused};
use switchboard_testing::{Received, World, closed, message, problem};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_burst_is_carried_out_more_is_refused_and_far_more_closes() {
    let message_rate = Some(Rate { per_second: 2, burst: 4 });
    let mut world = World::by_hand(Config { message_rate, ..Config::default() });
    let [alice, bob] = world.log_in(["alice", "bob"]);

    // The login was the first.
    for text in ["2", "3", "4", "5", "6", "7", "8"] {
        world.send(alice, "bob", text);
    }
    assert_eq!(world.pull(bob), [message("2"), message("3"), message("4")]);
    let refused = || problem("too fast, not more than 2 messages a second");
    assert_eq!(world.pull(alice), [refused(), refused(), refused(), refused()]);
    world.send(alice, "bob", "9");

    assert_eq!(world.pull(alice), [closed(CloseReason::TooFast)]);
    assert_eq!(CloseReason::TooFast.code(), Some(1008));
    assert_eq!(world.hub().stats().logged_in, 1);
}

#[test]
fn who_slows_down_is_heard_again() {
    let message_rate = Some(Rate { per_second: 2, burst: 4 });
    let heartbeat = None;
    let mut world = World::by_hand(Config { message_rate, heartbeat, ..Config::default() });
    let [alice, bob] = world.log_in(["alice", "bob"]);
    for _ in 0..6 {
        world.send(alice, "bob", "hello");
    }
    assert_eq!(world.pull(bob).len(), 3);

    // Refusals count: it takes the time of four to be at the burst again.
    world.pass(2 * SECOND);
    world.send(alice, "bob", "again");
    assert_eq!(world.pull(bob), [message("again")]);
    world.send(alice, "bob", "too soon");
    assert_eq!(world.pull(bob), []);
    for _ in 0..100 {
        world.pass(SECOND);
        world.send(alice, "bob", "slowly");
        assert_eq!(world.pull(bob), [message("slowly")]);
    }
}

#[test]
fn bytes_count_too() {
    let byte_rate = Some(Rate { per_second: 10, burst: 20 });
    let mut world = World::by_hand(Config { byte_rate, ..Config::default() });
    let [alice, bob] = world.log_in(["alice", "bob"]);

    world.send(alice, "bob", "1234567890123456789");
    world.send(alice, "bob", "12");
    assert_eq!(world.pull(alice), [problem("too fast, not more than 10 bytes a second")]);
    assert_eq!(world.pull(bob), [message("1234567890123456789")]);
    world.send(alice, "bob", "12345678901234567890");

    assert_eq!(world.pull(alice), [closed(CloseReason::TooFast)]);
}

#[test]
fn signs_of_life_cost_the_same_and_have_no_answer() {
    let message_rate = Some(Rate { per_second: 1, burst: 3 });
    let byte_rate = Some(Rate { per_second: 1000, burst: 100 });
    for sizes in [[0, 0, 0, 0, 0, 0], [20, 20, 40, 20, 100, 60]] {
        let config = Config { message_rate, byte_rate, ..Config::default() };
        let mut world = World::by_hand(config);
        let [alice] = world.log_in(["alice"]);
        for size in sizes {
            assert_eq!(world.pull(alice), []);
            world.hear_bytes(alice, size);
        }
        assert_eq!(world.pull(alice), [closed(CloseReason::TooFast)]);
    }
}

#[test]
fn each_connection_has_its_own_rate() {
    let message_rate = Some(Rate { per_second: 1, burst: 2 });
    let mut world = World::by_hand(Config { message_rate, ..Config::default() });
    let [alice, bob] = world.log_in(["alice", "bob"]);
    for _ in 0..2 {
        world.send(alice, "bob", "hello");
    }
    world.pull(bob);

    world.send(bob, "bob", "to myself");

    assert_eq!(world.pull(bob), [message("to myself")]);
}

#[test]
fn strangers_are_held_to_the_rate_too() {
    let message_rate = Some(Rate { per_second: 1, burst: 1 });
    let mut world = World::by_hand(Config { message_rate, ..Config::default() });
    let stranger = world.connect();
    world.hear(stranger);

    world.try_log_in(stranger, "alice");

    let refused = problem("too fast, not more than 1 message a second");
    assert_eq!(world.pull(stranger), [refused]);
    world.pass(2 * SECOND);
    world.try_log_in(stranger, "alice");
    assert_eq!(world.pull(stranger), [Received::LoggedIn("alice".into())]);
}

fn from_one_address(most: u32) -> World {
    World::by_hand(Config { max_connections_per_address: Some(most), ..Config::default() })
}

#[test]
fn an_address_has_so_many_connections() {
    let mut world = from_one_address(2);
    let too_many = Err(Refused::TooManyFromAddress);
    let first = world.connect_from("192.0.2.1").expect("there is room");
    world.connect_from("::ffff:192.0.2.1").expect("there is room");

    assert_eq!(world.connect_from("192.0.2.1"), too_many);
    assert_eq!(world.connect_from("::ffff:192.0.2.1"), too_many);
    assert!(world.connect_from("192.0.2.2").is_ok());
    for _ in 0..10 {
        assert!(world.try_connect().is_ok());
    }
    // It counts until it is gone.
    world.fault(first, Fault::Binary);
    assert_eq!(world.connect_from("192.0.2.1"), too_many);
    world.disconnect(first);
    assert!(world.connect_from("192.0.2.1").is_ok());

    assert_eq!(world.hub().stats().refused, 3);
    assert_eq!(Refused::TooManyFromAddress.http_status(), 429);
}

#[test]
fn a_network_of_ipv6_counts_as_one() {
    let mut world = from_one_address(1);
    assert!(world.connect_from("2001:db8::1").is_ok());
    assert!(world.connect_from("2001:db8::2").is_err());
    assert!(world.connect_from("2001:db8:0:1::1").is_ok());
}

#[test]
fn an_address_may_come_to_be_known_once_later() {
    let mut world = from_one_address(1);
    let [alice] = world.log_in(["alice"]);
    let [bob, eve] = [world.connect(), world.connect()];
    world.comes_from(alice, "192.0.2.1");
    world.comes_from(bob, "192.0.2.1");
    world.comes_from(eve, "192.0.2.2");

    let reason = CloseReason::TooManyFromAddress;
    assert_eq!((reason.code(), reason.http_status()), (Some(1008), 429));
    assert_eq!(world.pull(bob), [closed(reason)]);
    assert_eq!(world.pull(eve), []);
    // To say it again changes nothing.
    world.comes_from(alice, "192.0.2.3");
    assert_eq!(world.hub().stats().stale, 1);
    assert!(world.connect_from("192.0.2.1").is_err());
    assert!(world.connect_from("192.0.2.3").is_ok());
    // Who was closed for it does not count against it.
    world.disconnect(alice);
    assert!(world.connect_from("192.0.2.1").is_ok());
}

#[test]
fn login_attempts_count_for_the_address_even_after_its_connections_are_gone() {
    let login_rate = Some(Rate { per_second: 1, burst: 2 });
    let mut world = World::by_hand(Config { login_rate, ..Config::default() });
    let log_in = |world: &mut World, address| {
        let conn = world.connect_from(address).expect("there is room");
        world.try_log_in(conn, "alice");
        let answer = world.pull(conn).remove(0);
        world.disconnect(conn);
        answer
    };
    let success = || Received::LoggedIn("alice".into());
    let refused = || problem("too many logins from this address, try again later");

    assert_eq!(log_in(&mut world, "192.0.2.1"), success());
    assert_eq!(log_in(&mut world, "::ffff:192.0.2.1"), success());
    assert_eq!(log_in(&mut world, "192.0.2.1"), refused());
    assert_eq!(log_in(&mut world, "192.0.2.2"), success());
    assert_eq!(log_in(&mut world, "192.0.2.1"), refused());
    assert_eq!(log_in(&mut world, "192.0.2.1"), closed(CloseReason::TooFast));
    // However often it was tried.
    for _ in 0..100 {
        log_in(&mut world, "192.0.2.1");
    }
    world.pass(4 * SECOND);
    assert_eq!(log_in(&mut world, "192.0.2.1"), success());
}
