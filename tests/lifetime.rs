//! Who is silent is pinged, who stays silent or does not read is closed. In virtual time.

use std::time::Duration;

use switchboard_core::{CloseReason, Config, ConnId, Heartbeat, TimeoutReason};
use switchboard_testing::{Received, World, closed, message};

const SECOND: Duration = Duration::from_secs(1);
const MICRO: Duration = Duration::from_micros(1);

fn heartbeat_only() -> Config {
    let heartbeat = Some(Heartbeat { interval: 20 * SECOND, timeout: 5 * SECOND });
    Config { heartbeat, stall_timeout: None, ..Config::default() }
}

fn stall_only() -> Config {
    Config { heartbeat: None, stall_timeout: Some(10 * SECOND), ..Config::default() }
}

fn period(world: &World, conn: ConnId) -> Duration {
    world.hub().config().ping_after(conn).expect("there is a heartbeat")
}

#[test]
fn who_is_silent_is_pinged_and_who_stays_silent_is_closed() {
    let mut world = World::by_hand(heartbeat_only());
    let [alice, bob] = world.log_in(["alice", "bob"]);

    world.pass(period(&world, alice) - MICRO);
    assert_eq!(world.pull(alice), []);
    world.pass(MICRO);
    assert_eq!(world.pull(alice), [Received::Ping]);
    world.hear(bob);
    world.send(bob, "alice", "hello");
    world.pass(5 * SECOND - MICRO);
    assert_eq!(world.hub().stats().logged_in, 2);
    world.pass(MICRO);

    // What it has not read it would not read, either.
    assert_eq!(world.pull(alice), [closed(CloseReason::Silent)]);
    assert_eq!(CloseReason::Silent.code(), Some(4003));
    assert_eq!(world.hub().stats().logged_in, 1);
    assert_eq!(world.hub().stats().pings, 1);
}

#[test]
fn any_sign_of_life_answers_a_ping() {
    let answers: [fn(&mut World, ConnId); 3] = [
        |world, conn| world.hear(conn),
        |world, conn| world.send(conn, "nobody", "hello"),
        |world, conn| world.invalid(conn),
    ];
    for answer in answers {
        let mut world = World::by_hand(heartbeat_only());
        let [alice] = world.log_in(["alice"]);
        for _ in 0..5 {
            let period = period(&world, alice);
            world.pass(period);
            assert_eq!(world.pull(alice), [Received::Ping]);
            answer(&mut world, alice);
            world.pull(alice);
            world.pass(5 * SECOND);
            assert_eq!(world.pull(alice), []);
            world.hear(alice);
        }
        assert_eq!(world.hub().stats().logged_in, 1);
    }
}

#[test]
fn who_is_heard_is_not_pinged() {
    let mut world = World::by_hand(heartbeat_only());
    let [alice] = world.log_in(["alice"]);

    for _ in 0..100 {
        world.pass(9 * SECOND);
        world.hear(alice);
    }

    assert_eq!(world.pull(alice), []);
}

#[test]
fn reading_is_no_sign_of_life() {
    let mut world = World::by_hand(heartbeat_only());
    let [alice, bob] = world.log_in(["alice", "bob"]);

    for _ in 0..25 {
        world.pass(SECOND);
        world.send(bob, "alice", "hello");
        world.pull(alice);
    }

    assert_eq!(world.hub().stats().logged_in, 1);
}

#[test]
fn a_ping_overtakes_what_is_left_to_read_and_wakes() {
    let mut world = World::by_hand(heartbeat_only());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.send(bob, "alice", "hello");
    world.pass(period(&world, alice));
    assert_eq!(world.pull(alice), [Received::Ping, message("hello")]);

    world.hear(alice);
    world.hold_outputs();
    world.pass(20 * SECOND);
    assert!(world.outputs_until_ready("alice") <= 4);
}

#[test]
fn a_crowd_that_logs_in_at_once_is_not_pinged_at_once() {
    let mut world = World::by_hand(heartbeat_only());
    let crowd: Vec<_> = (0..1000).map(|n| world.log_in([&format!("user {n}")])[0]).collect();

    let mut pinged = Vec::new();
    for _ in 0..200 {
        let before = pinged.len();
        world.pass(Duration::from_millis(100));
        for &conn in &crowd {
            for _ in world.pull(conn) {
                world.hear(conn);
                pinged.push(conn);
            }
        }
        assert!(pinged.len() - before <= 15, "{} in a tenth of a second", pinged.len() - before);
        if pinged.len() >= crowd.len() {
            break;
        }
    }
    pinged.sort();
    pinged.dedup();
    assert_eq!(pinged.len(), crowd.len());
}

#[test]
fn the_period_is_between_half_the_interval_and_all_of_it() {
    let micros = |interval| Config {
        heartbeat: Some(Heartbeat { interval, timeout: SECOND }),
        ..Config::default()
    };
    let mut world = World::by_hand(Config::default());
    for _ in 0..100 {
        let conn = world.connect();
        for interval in [20 * SECOND, Duration::ZERO, MICRO, Duration::MAX] {
            let period = micros(interval).ping_after(conn).expect("there is a heartbeat");
            assert!(period >= (interval / 2).min(period) && period <= interval);
        }
        let period = micros(20 * SECOND).ping_after(conn).expect("there is a heartbeat");
        assert!((10 * SECOND..20 * SECOND).contains(&period));
        assert_eq!(Config { heartbeat: None, ..Config::default() }.ping_after(conn), None);
    }
}

#[test]
fn who_reads_nothing_is_closed_between_one_and_two_stall_timeouts() {
    let mut world = World::by_hand(stall_only());
    let [alice, slow] = world.log_in(["alice", "slow"]);

    world.pass(3 * SECOND);
    world.send(alice, "slow", "hello");
    world.pass(17 * SECOND - MICRO);
    assert_eq!(world.hub().stats().logged_in, 2);
    let stall = world.hub().poll_timeout().expect("a look at it");
    assert_eq!(stall.why, TimeoutReason::Stall);
    world.pass(MICRO);

    assert_eq!(world.pull(slow), [closed(CloseReason::TooSlow)]);
    assert_eq!(world.hub().stats().logged_in, 1);
}

#[test]
fn who_reads_a_little_or_has_nothing_to_read_stays() {
    let mut world = World::by_hand(stall_only());
    let [alice, slow, idle] = world.log_in(["alice", "slow", "idle"]);
    for _ in 0..100 {
        world.send(alice, "slow", "hello");
    }

    for _ in 0..50 {
        world.pass(9 * SECOND);
        assert_eq!(world.pull_one(slow), Some(message("hello")));
    }

    assert_eq!(world.hub().stats().logged_in, 3);
    assert_eq!(world.pull(idle), []);
}

#[test]
fn without_limits_nobody_is_looked_at() {
    let config = Config { heartbeat: None, stall_timeout: None, ..Config::default() };
    let mut world = World::by_hand(config);
    let [alice, slow] = world.log_in(["alice", "slow"]);
    world.send(alice, "slow", "hello");

    world.pass(3600 * SECOND);

    assert_eq!(world.hub().poll_timeout(), None);
    assert_eq!(world.pull(slow), [message("hello")]);
}

#[test]
fn limits_of_no_time_end_and_those_for_ever_never_come() {
    for (interval, timeout) in [(Duration::ZERO, Duration::ZERO), (Duration::ZERO, SECOND)] {
        let heartbeat = Some(Heartbeat { interval, timeout });
        let config = Config { heartbeat, stall_timeout: Some(interval), ..Config::default() };
        let mut world = World::by_hand(config);
        world.log_in(["alice"]);
        world.pass(timeout);
        assert_eq!(world.hub().stats().logged_in, 0);
    }
    let heartbeat = Some(Heartbeat { interval: Duration::MAX, timeout: Duration::MAX });
    let config = Config { heartbeat, stall_timeout: Some(Duration::MAX), ..Config::default() };
    let mut world = World::by_hand(config);
    world.log_in(["alice"]);
    for _ in 0..3 {
        world.pass(Duration::MAX);
    }
    assert_eq!(world.hub().stats().logged_in, 1);
}
