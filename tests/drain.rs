//! Shutting down, at once and over some time. In virtual time.

use std::time::Duration;

use switchboard_core::{CloseReason, Config, ConnId, Refused, TimeoutReason};
use switchboard_testing::{World, closed, message};

const SECOND: Duration = Duration::from_secs(1);

fn crowd(world: &mut World, size: usize) -> Vec<ConnId> {
    (0..size).map(|n| world.log_in([&format!("user {n}")])[0]).collect()
}

fn world() -> World {
    let close_timeout = 3600 * SECOND;
    World::by_hand(Config {
        heartbeat: None,
        stall_timeout: None,
        close_timeout,
        ..Config::default()
    })
}

/// Lets so much time pass; returns who is closed in it, each with its place in the crowd.
fn closed_within(world: &mut World, time: Duration, crowd: &[ConnId]) -> Vec<usize> {
    world.pass(time);
    let is_closed = |conn| world.pull(conn) == [closed(CloseReason::Shutdown)];
    let all = crowd.iter().copied().map(is_closed).collect::<Vec<_>>();
    (0..crowd.len()).filter(|index| all[*index]).collect()
}

#[test]
fn without_time_all_are_closed_at_once() {
    let mut world = world();
    let crowd = crowd(&mut world, 50);
    world.send(crowd[0], "user 1", "last words");

    world.shut_down(Duration::ZERO);

    assert_eq!(world.pull(crowd[1]), [message("last words"), closed(CloseReason::Shutdown)]);
    assert_eq!(closed_within(&mut world, Duration::ZERO, &crowd).len(), 49);
    assert_eq!(world.try_connect(), Err(Refused::ShuttingDown));
    assert_eq!(
        (CloseReason::Shutdown.code(), Refused::ShuttingDown.http_status()),
        (Some(1001), 503)
    );
}

#[test]
fn over_some_time_they_are_closed_evenly_and_not_in_the_order_they_came() {
    let mut world = world();
    let crowd = crowd(&mut world, 1000);
    world.shut_down(100 * SECOND);
    assert_eq!(world.try_connect(), Err(Refused::ShuttingDown));

    let mut order = Vec::new();
    for second in 0..100 {
        let closed = closed_within(&mut world, SECOND, &crowd);
        assert!((7..=13).contains(&closed.len()), "{} in second {second}", closed.len());
        order.extend(closed);
    }
    assert_eq!(order.len(), crowd.len());
    // In the order of coming, one in two would be followed by a later one in almost all cases.
    let neighbours = order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
    assert!(neighbours < 20, "{neighbours} neighbours were closed one after the other");
}

#[test]
fn until_its_turn_comes_a_connection_goes_on() {
    let mut world = world();
    let crowd = crowd(&mut world, 10);
    world.shut_down(100 * SECOND);
    let deadline = world.hub().poll_timeout().expect("the first one");
    assert_eq!(deadline.why, TimeoutReason::Shutdown);

    world.pass(50 * SECOND);
    let left = world.hub().stats().logged_in;
    assert!((4..=6).contains(&left), "{left} are left");
    let last = *crowd.iter().max_by_key(|conn| conn.phase()).expect("a crowd");
    let uid = format!("user {}", crowd.iter().position(|conn| *conn == last).expect("one of them"));
    world.send(last, &uid, "still here");
    assert_eq!(world.pull(last), [message("still here")]);
    world.pass(50 * SECOND);
    assert_eq!(world.pull(last), [closed(CloseReason::Shutdown)]);
}

#[test]
fn a_shorter_time_brings_the_end_forward_and_a_longer_one_does_nothing() {
    let mut world = world();
    let crowd = crowd(&mut world, 1000);
    world.shut_down(1000 * SECOND);
    let before = closed_within(&mut world, 500 * SECOND, &crowd).len();
    assert!((490..=510).contains(&before), "{before} in the first half");

    world.shut_down(10 * SECOND);
    world.shut_down(600 * SECOND);
    for _ in 0..10 {
        let closed = closed_within(&mut world, SECOND, &crowd).len();
        assert!((45..=55).contains(&closed), "{closed} in a second");
    }

    assert_eq!(world.hub().stats().logged_in, 0);
}

#[test]
fn no_time_after_some_closes_all_who_are_left() {
    let mut world = world();
    let crowd = crowd(&mut world, 100);
    world.shut_down(1000 * SECOND);
    closed_within(&mut world, 500 * SECOND, &crowd);

    world.shut_down(Duration::ZERO);
    world.shut_down(Duration::ZERO);

    assert_eq!(world.hub().stats().logged_in, 0);
}

#[test]
fn who_leaves_before_is_not_waited_for() {
    let mut world = world();
    let crowd = crowd(&mut world, 100);
    world.shut_down(1000 * SECOND);

    for conn in crowd {
        world.disconnect(conn);
    }

    assert_eq!(world.hub().poll_timeout(), None);
}
