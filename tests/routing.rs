//! Routing, as the manual tells it: through the core alone, with no socket, no thread and no sleep.

use std::time::Duration;

use switchboard_core::{
    CloseReason, Config, DuplicateUid, Fault, RingLimit, SlowReader, TimeoutReason,
};
use switchboard_testing::{World, closed, gap, message};

#[test]
fn send_to_one_client() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob, eve] = world.log_in(["alice", "bob", "eve"]);

    world.send(alice, "bob", "hello");

    assert_eq!(world.pull(bob), [message("hello")]);
    assert_eq!(world.pull(eve), []);
    assert_eq!(world.pull(alice), []);
}

#[test]
fn send_to_all_clients() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob, eve] = world.log_in(["alice", "bob", "eve"]);
    let stranger = world.connect();

    world.send_to_all(alice, "hello");

    for conn in [alice, bob, eve] {
        assert_eq!(world.pull(conn), [message("hello")]);
    }
    assert_eq!(world.pull(stranger), []);
}

#[test]
fn send_to_a_group() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob, eve] = world.log_in(["alice", "bob", "eve"]);
    world.join(alice, "chess");
    world.join(bob, "chess");

    world.send_to_group(eve, "chess", "who plays?");

    assert_eq!(world.pull(alice), [message("who plays?")]);
    assert_eq!(world.pull(bob), [message("who plays?")]);
    assert_eq!(world.pull(eve), []);
}

#[test]
fn what_was_sent_before_leaving_a_group_is_read_after_it() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.join(bob, "chess");

    world.send_to_group(alice, "chess", "before");
    world.leave(bob, "chess");
    world.join(alice, "chess");
    world.send_to_group(alice, "chess", "between");
    world.join(bob, "chess");
    world.send_to_group(alice, "chess", "after");

    assert_eq!(world.pull(bob), [message("before"), message("after")]);
}

#[test]
fn a_group_and_a_user_of_the_same_name_are_two() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.join(alice, "bob");

    world.send_to_group(bob, "bob", "to the group");
    world.send(alice, "bob", "to the user");

    assert_eq!(world.pull(alice), [message("to the group")]);
    assert_eq!(world.pull(bob), [message("to the user")]);
}

#[test]
fn each_message_is_read_once_and_in_the_order_of_sending() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.join(bob, "chess");

    world.send(alice, "bob", "1");
    world.send_to_all(alice, "2");
    world.send_to_group(alice, "chess", "3");
    world.send(bob, "nobody", "-");
    world.send(alice, "bob", "4");

    let error = switchboard_testing::problem("nobody is not online");
    assert_eq!(world.pull(bob), [message("1"), message("2"), message("3"), error, message("4")]);
    assert_eq!(world.pull(bob), []);
}

#[test]
fn a_message_is_kept_only_until_everybody_has_read_it() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob, eve] = world.log_in(["alice", "bob", "eve"]);

    world.send_to_all(alice, "hello");
    for (reader, left) in [(alice, 5), (bob, 5), (eve, 0)] {
        world.pull(reader);
        assert_eq!(world.hub().stats().payload_bytes, left);
    }

    world.send_to_all(alice, "hello");
    for (leaver, left) in [(alice, 5), (bob, 5), (eve, 0)] {
        world.disconnect(leaver);
        assert_eq!(world.hub().stats().payload_bytes, left);
    }
}

#[test]
fn a_slow_reader_is_told_what_it_missed() {
    let everyone_ring = RingLimit { entries: 3, bytes: 100 };
    let mut world = World::by_hand(Config { everyone_ring, ..Config::default() });
    let [alice, slow] = world.log_in(["alice", "slow"]);

    for text in ["1", "2", "3", "4", "5"] {
        world.send_to_all(alice, text);
        assert_eq!(world.pull(alice), [message(text)]);
    }

    assert_eq!(world.pull(slow), [gap(2), message("3"), message("4"), message("5")]);
    assert_eq!(world.hub().stats().payload_bytes, 0);
}

#[test]
fn a_ring_is_also_bounded_in_bytes() {
    let user_ring = RingLimit { entries: 100, bytes: 10 };
    let mut world = World::by_hand(Config { user_ring, ..Config::default() });
    let [alice, slow] = world.log_in(["alice", "slow"]);

    world.send(alice, "slow", "12345");
    world.send(alice, "slow", "123456");
    world.send(alice, "slow", "1234");
    world.send(alice, "slow", "12345678901");

    let refused = switchboard_testing::problem("the message has 11 bytes, at most 10 are allowed");
    assert_eq!(world.pull(alice), [refused]);
    assert_eq!(world.pull(slow), [gap(1), message("123456"), message("1234")]);
}

#[test]
fn a_slow_reader_is_closed_if_so_configured_without_being_pulled() {
    let everyone_ring = RingLimit { entries: 3, bytes: 100 };
    let slow_reader = SlowReader::Close;
    let mut world = World::by_hand(Config { everyone_ring, slow_reader, ..Config::default() });
    let [alice, slow, bob] = world.log_in(["alice", "slow", "bob"]);

    for text in ["1", "2", "3", "4"] {
        world.send_to_all(alice, text);
        assert_eq!(world.pull(alice), [message(text)]);
        assert_eq!(world.pull(bob), [message(text)]);
    }

    assert_eq!(world.hub().stats().logged_in, 2);
    assert_eq!(world.pull(slow), [closed(CloseReason::TooSlow)]);
}

#[test]
fn a_newer_login_takes_the_uid_over() {
    let mut world = World::by_hand(Config::default());
    let [alice, older] = world.log_in(["alice", "bob"]);
    world.send(alice, "bob", "to the older");

    let [newer] = world.log_in(["bob"]);
    world.send(alice, "bob", "to the newer");

    let goodbye = closed(CloseReason::Replaced);
    assert_eq!(world.pull(older), [message("to the older"), goodbye]);
    assert_eq!(world.pull(newer), [message("to the newer")]);
}

#[test]
fn taking_over_from_one_who_has_read_everything_keeps_the_uid() {
    let mut world = World::by_hand(Config::default());
    let [older] = world.log_in(["bob"]);
    let [newer] = world.log_in(["bob"]);

    world.send(newer, "bob", "me");

    assert_eq!(world.pull(newer), [message("me")]);
    assert_eq!(world.pull(older), [closed(CloseReason::Replaced)]);
}

#[test]
fn shared_uids_all_receive() {
    let duplicate_uid = DuplicateUid::Share;
    let mut world = World::by_hand(Config { duplicate_uid, ..Config::default() });
    let [alice, phone, laptop] = world.log_in(["alice", "bob", "bob"]);

    world.send(alice, "bob", "hello");
    world.disconnect(phone);
    world.send(alice, "bob", "again");

    assert_eq!(world.pull(laptop), [message("hello"), message("again")]);
}

#[test]
fn who_does_not_log_in_in_time_is_closed_and_then_dropped() {
    let mut world = World::by_hand(Config::default());
    let conn = world.connect();

    world.pass(Duration::from_micros(9_999_999));
    assert_eq!(world.pull(conn), []);
    world.pass(Duration::from_micros(1));
    assert_eq!(world.pull(conn), [closed(CloseReason::LoginTimeout)]);
    assert_eq!(world.hub().stats().connections, 1);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.dropped(), [conn]);
    assert_eq!(world.hub().stats().connections, 0);
    assert_eq!(world.hub().poll_timeout(), None);
}

#[test]
fn logging_in_stops_the_clock() {
    let (heartbeat, stall_timeout) = (None, None);
    let mut world = World::by_hand(Config { heartbeat, stall_timeout, ..Config::default() });
    let [alice] = world.log_in(["alice"]);

    assert_eq!(world.hub().poll_timeout(), None);
    world.pass(Duration::from_secs(3600));
    world.send(alice, "alice", "still here");

    assert_eq!(world.pull(alice), [message("still here")]);
}

#[test]
fn requests_wait_for_room_for_their_replies() {
    let mut world = World::by_hand(Config { max_replies: 2, ..Config::default() });
    let [alice, bob] = world.log_in(["alice", "bob"]);

    world.send(alice, "nobody", "1");
    assert_eq!(world.hub().credit(alice), 1);
    world.send(alice, "nobody", "2");
    assert_eq!(world.hub().credit(alice), 0);
    assert_eq!(world.hub().credit(bob), 2);
    assert_eq!(world.pull(alice).len(), 2);
    assert_eq!(world.hub().credit(alice), 2);

    for text in ["1", "2", "3"] {
        world.send(alice, "nobody", text);
    }
    assert_eq!(world.pull(alice), [closed(CloseReason::RepliesUnread)]);
}

#[test]
fn a_fault_closes_with_its_code_after_what_was_sent_before() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.send(alice, "bob", "before");

    world.fault(bob, Fault::Binary);
    world.send(alice, "bob", "after");

    let reason = CloseReason::Fault(Fault::Binary);
    assert_eq!(reason.code(), Some(1003));
    assert_eq!(world.pull(bob), [message("before"), closed(reason)]);
    assert_eq!(world.pull(alice), [switchboard_testing::problem("bob is not online")]);
}

#[test]
fn what_is_said_of_a_forgotten_connection_is_counted_and_ignored() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.disconnect(bob);
    let [reborn] = world.log_in(["bob"]);

    world.send(bob, "alice", "from the dead");
    world.disconnect(bob);
    world.send(alice, "bob", "hello");

    assert_eq!(world.pull(alice), []);
    assert_eq!(world.pull(reborn), [message("hello")]);
    assert_eq!(world.hub().stats().stale, 2);
}

#[test]
fn a_walk_over_everybody_does_not_hold_up_a_message_to_one() {
    let mut world = World::by_hand(Config::default());
    let crowd: Vec<String> = (0..10_000).map(|n| format!("user {n}")).collect();
    for uid in &crowd {
        let [conn] = world.log_in([uid]);
        world.pull(conn);
    }
    let [alice, bob] = world.log_in(["alice", "bob"]);

    world.hold_outputs();
    world.send_to_all(alice, "to all");
    world.send(alice, "user 0", "to one");

    // Its wake-up takes turns with the walk's, which would come to user 0 last.
    let outputs_until = world.outputs_until_ready("user 0");
    assert!(outputs_until <= 3, "{outputs_until} outputs came before");
    let _ = bob;
}

#[test]
fn a_full_hub_refuses_and_goes_on() {
    let mut world = World::by_hand(Config { max_connections: 2, ..Config::default() });
    let [alice, bob] = world.log_in(["alice", "bob"]);

    assert!(world.try_connect().is_err());
    world.disconnect(bob);
    assert!(world.try_connect().is_ok());
    world.send(alice, "alice", "hello");
    assert_eq!(world.pull(alice), [message("hello")]);
}

#[test]
fn who_leaves_a_group_before_being_told_of_a_message_is_told_all_the_same() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.join(bob, "chess");

    world.hold_outputs();
    world.send_to_group(alice, "chess", "before");
    world.leave(bob, "chess");

    assert!(world.outputs_until_ready("bob") <= 3);
    assert_eq!(world.pull(bob), [message("before")]);
}

#[test]
fn what_everybody_has_read_goes_with_what_held_it_back() {
    let group_ring = RingLimit { entries: 2, bytes: 100 };
    let mut world = World::by_hand(Config { group_ring, ..Config::default() });
    let [slow, bob] = world.log_in(["slow", "bob"]);
    world.join(slow, "chess");
    world.send_to_group(bob, "chess", "1");
    world.leave(slow, "chess");
    world.join(bob, "chess");
    world.send_to_group(bob, "chess", "22");
    assert_eq!(world.pull(bob), [message("22")]);
    assert_eq!(world.hub().stats().payload_bytes, 3);

    world.send_to_group(bob, "chess", "333");

    assert_eq!(world.hub().stats().payload_bytes, 3);
    assert_eq!(world.pull(slow), [gap(1)]);
    assert_eq!(world.pull(bob), [message("333")]);
}

#[test]
fn the_next_deadline_is_true_after_outputs_have_closed_connections() {
    let close_timeout = Duration::from_secs(60);
    let mut world = World::by_hand(Config { close_timeout, ..Config::default() });
    world.connect();
    world.shut_down(Duration::ZERO);

    let deadline = world.hub().poll_timeout().expect("a connection that is closing");
    assert_eq!(deadline.why, TimeoutReason::Close);
}

#[test]
fn coming_back_for_a_moment_does_not_cost_what_is_left_to_read() {
    let mut world = World::by_hand(Config::default());
    let [alice, bob] = world.log_in(["alice", "bob"]);
    world.join(bob, "chess");
    world.send_to_group(alice, "chess", "before");
    world.leave(bob, "chess");

    world.join(bob, "chess");
    world.leave(bob, "chess");

    assert_eq!(world.pull(bob), [message("before")]);
}

#[test]
fn messages_in_quick_succession_starve_nobody() {
    let mut world = World::by_hand(Config::default());
    let crowd: Vec<String> = (0..300).map(|n| format!("user {n}")).collect();
    let conns: Vec<_> = crowd.iter().map(|uid| world.log_in([uid])[0]).collect();
    let mut told = vec![false; conns.len()];

    // One output between two messages, and whoever is told reads at once.
    world.hold_outputs();
    for _ in 0..2 * conns.len() {
        world.send_to_all(conns[0], "hello");
        let ready = world.next_ready().expect("somebody has something to read");
        world.pull(ready);
        told[conns.iter().position(|conn| *conn == ready).expect("one of the crowd")] = true;
    }

    assert_eq!(told.iter().filter(|told| !**told).count(), 0);
}

/// So that no call takes long, however many know already.
#[test]
fn of_members_who_have_all_been_told_each_64th_is_told_again() {
    let mut world = World::by_hand(Config::default());
    let crowd: Vec<String> = (0..128).map(|n| format!("user {n}")).collect();
    let conns: Vec<_> = crowd.iter().map(|uid| world.log_in([uid])[0]).collect();

    // All are told, and nobody reads.
    world.send_to_all(conns[0], "hello");
    world.hold_outputs();
    world.send_to_all(conns[0], "hello again");
    assert_eq!(world.next_ready(), Some(conns[64]));
    assert_eq!(world.next_ready(), Some(conns[0]));
    assert_eq!(world.next_ready(), None);
}
