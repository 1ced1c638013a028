//! Where in the order a slow reader is told what it missed.

use switchboard_core::{Config, RingLimit};
use switchboard_testing::{Received, World, gap, message, problem};

/// A world in which this many messages to everybody, to each uid and to each group are kept.
fn keeping(everyone: usize, user: usize, group: usize) -> World {
    let ring = |entries| RingLimit { entries, bytes: 1000 };
    let (everyone_ring, user_ring, group_ring) = (ring(everyone), ring(user), ring(group));
    World::by_hand(Config { everyone_ring, user_ring, group_ring, ..Config::default() })
}

#[test]
fn a_gap_comes_after_the_replies_to_what_was_asked_before() {
    let mut world = keeping(2, 9, 9);
    let [alice] = world.log_in(["alice"]);
    let slow = world.connect();
    world.try_log_in(slow, "slow");
    world.invalid(slow);

    for text in ["1", "2", "3"] {
        world.send_to_all(alice, text);
    }
    world.send(slow, "nobody", "hello");

    let first = [
        Received::LoggedIn("slow".into()),
        problem("expected uid:message"),
        gap(1),
        message("2"),
        message("3"),
        problem("nobody is not online"),
    ];
    assert_eq!(world.pull(slow), first);
    assert_eq!(world.hub().stats().missed, 1);
}

#[test]
fn each_topic_has_its_gap_in_its_place() {
    let mut world = keeping(1, 2, 1);
    let [alice, slow] = world.log_in(["alice", "slow"]);
    world.join(slow, "chess");

    world.send(alice, "slow", "1");
    world.send_to_all(alice, "2");
    world.send_to_group(alice, "chess", "3");
    world.send_to_group(alice, "chess", "4");
    world.send(alice, "slow", "5");
    world.send_to_all(alice, "6");
    world.send_to_all(alice, "7");

    let expected = [message("1"), gap(1), message("4"), message("5"), gap(2), message("7")];
    assert_eq!(world.pull(slow), expected);
}

#[test]
fn whatever_goes_missing_after_a_gap_was_told_is_another_gap() {
    let mut world = keeping(1, 9, 9);
    let [alice, slow] = world.log_in(["alice", "slow"]);
    for text in ["1", "2"] {
        world.send_to_all(alice, text);
    }
    assert_eq!(world.pull_one(slow), Some(gap(1)));

    for text in ["3", "4"] {
        world.send_to_all(alice, text);
    }

    assert_eq!(world.pull(slow), [gap(2), message("4")]);
    assert_eq!(world.hub().stats().missed, 3);
}

#[test]
fn a_gap_without_anything_left_after_it_comes_first() {
    let mut world = keeping(9, 9, 1);
    let [alice, slow] = world.log_in(["alice", "slow"]);
    for group in ["chess", "go"] {
        world.join(alice, group);
        world.join(slow, group);
    }
    world.send(alice, "slow", "1");
    for group in ["chess", "go"] {
        world.send_to_group(alice, group, "2");
        world.leave(slow, group);
        world.send_to_group(alice, group, "3");
    }

    assert_eq!(world.pull(slow), [gap(2), message("1")]);
}

#[test]
fn to_come_back_to_a_group_does_not_mix_what_was_missed() {
    let mut world = keeping(9, 9, 2);
    let [alice, slow] = world.log_in(["alice", "slow"]);
    world.join(slow, "chess");
    for text in ["1", "2"] {
        world.send_to_group(alice, "chess", text);
    }
    world.leave(slow, "chess");
    world.join(slow, "chess");

    world.send_to_group(alice, "chess", "3");

    assert_eq!(world.pull(slow), [gap(1), message("2"), message("3")]);
}
