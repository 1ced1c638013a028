//! Logging in by a credential that somebody else checks. In virtual time.

use std::time::Duration;

use switchboard_core::{
    Authentication, CloseReason, Config, Denial, DuplicateUid, Name, Rate, Stage, Verdict,
};
use switchboard_testing::{Received, World, closed, message, problem};

const CHECKED: Authentication = Authentication::Checked;

fn world() -> World {
    World::by_hand(Config { authentication: CHECKED, ..Config::default() })
}

fn accepted(uid: &str) -> Verdict<'_> {
    Verdict::Accepted(Name::new(uid).expect("a valid name"))
}

fn logged_in(uid: &str) -> Received {
    Received::LoggedIn(uid.into())
}

#[test]
fn a_credential_that_is_accepted_logs_in_under_the_uid_of_the_verdict() {
    let mut world = world();
    let conn = world.connect();
    assert_eq!(world.hub().stage(conn), Stage::Credential);

    let ticket = world.authenticate(conn, "secret").expect("a check");
    assert_eq!(world.pull(conn), []);
    assert_eq!(world.hub().stats().logged_in, 0);
    world.verdict(ticket, accepted("alice"));

    assert_eq!(world.pull(conn), [logged_in("alice")]);
    world.send(conn, "alice", "hello");
    assert_eq!(world.pull(conn), [message("hello")]);
    assert_eq!(world.authenticate(conn, "secret"), None);
    assert_eq!(world.pull(conn), [problem("already logged in")]);
}

#[test]
fn who_is_denied_may_try_again() {
    let mut world = world();
    let conn = world.connect();
    let denials = [
        (Denial::Invalid, "the credential is not valid"),
        (Denial::Expired, "the credential has expired"),
        (Denial::Forbidden, "access denied"),
        (Denial::Unavailable, "the credential cannot be checked, try again later"),
    ];
    for (denial, text) in denials {
        let ticket = world.authenticate(conn, "guess").expect("a check");
        world.verdict(ticket, Verdict::Denied(denial));
        assert_eq!(world.pull(conn), [problem(text)]);
    }

    let ticket = world.authenticate(conn, "secret").expect("a check");
    world.verdict(ticket, accepted("alice"));

    assert_eq!(world.pull(conn), [logged_in("alice")]);
}

#[test]
fn nothing_but_a_credential_logs_in() {
    let mut world = world();
    let conn = world.connect();
    world.try_log_in(conn, "alice");
    world.send(conn, "alice", "hello");
    assert_eq!(world.pull(conn), [problem("log in first"), problem("log in first")]);

    let mut open = World::by_hand(Config::default());
    let conn = open.connect();
    assert_eq!(open.authenticate(conn, "secret"), None);
    assert_eq!(open.pull(conn), [problem("log in first")]);
}

#[test]
fn while_a_credential_is_checked_nothing_is_read() {
    let mut world = world();
    let conn = world.connect();
    assert_eq!(world.hub().credit(conn), 1);
    let ticket = world.authenticate(conn, "secret").expect("a check");
    assert_eq!(world.hub().credit(conn), 0);
    world.hear(conn);
    world.verdict(ticket, Verdict::Denied(Denial::Invalid));
    assert_eq!(world.hub().credit(conn), 1);

    let ticket = world.authenticate(conn, "secret").expect("a check");
    assert_eq!(world.authenticate(conn, "another"), None);
    assert_eq!(world.pull(conn), [closed(CloseReason::RepliesUnread)]);
    world.verdict(ticket, accepted("alice"));
    assert_eq!(world.hub().stats().stale, 1);
    assert_eq!(world.hub().stats().logged_in, 0);
}

#[test]
fn a_verdict_counts_once_and_only_for_its_check() {
    let mut world = world();
    let conn = world.connect();
    let first = world.authenticate(conn, "first").expect("a check");
    world.verdict(first, Verdict::Denied(Denial::Invalid));
    let second = world.authenticate(conn, "second").expect("a check");
    assert_ne!(first, second);

    world.verdict(first, accepted("mallory"));
    assert_eq!(world.hub().stats().logged_in, 0);
    world.verdict(second, accepted("alice"));
    world.verdict(second, Verdict::Denied(Denial::Expired));
    world.disconnect(conn);
    world.verdict(second, accepted("alice"));

    assert_eq!(world.hub().stats().stale, 3);
}

#[test]
fn the_login_time_goes_on_while_a_credential_is_checked() {
    let mut world = world();
    let conn = world.connect();
    world.pass(Duration::from_secs(9));
    let ticket = world.authenticate(conn, "secret").expect("a check");
    world.pass(Duration::from_secs(1));

    world.verdict(ticket, accepted("alice"));

    assert_eq!(world.pull(conn), [closed(CloseReason::LoginTimeout)]);
    assert_eq!(world.hub().stats().stale, 1);
}

#[test]
fn a_uid_can_be_taken_over_and_refused_as_ever() {
    for duplicate_uid in [DuplicateUid::Replace, DuplicateUid::Share, DuplicateUid::Reject] {
        let mut world =
            World::by_hand(Config { authentication: CHECKED, duplicate_uid, ..Config::default() });
        let [older, newer] = [world.connect(), world.connect()];
        let tickets = [older, newer].map(|conn| world.authenticate(conn, "secret"));
        for ticket in tickets {
            world.verdict(ticket.expect("a check"), accepted("alice"));
        }
        let [older, newer] = [older, newer].map(|conn| world.pull(conn));
        let replaced = closed(CloseReason::Replaced);
        match duplicate_uid {
            DuplicateUid::Replace => {
                assert_eq!(older, [logged_in("alice"), replaced]);
                assert_eq!(newer, [logged_in("alice")]);
            }
            DuplicateUid::Share => {
                assert_eq!(older, [logged_in("alice")]);
                assert_eq!(newer, [logged_in("alice")]);
            }
            DuplicateUid::Reject => {
                assert_eq!(older, [logged_in("alice")]);
                assert_eq!(newer, [problem("alice is already online")]);
            }
        }
    }
}

#[test]
fn who_was_refused_a_uid_that_is_taken_may_try_again() {
    let duplicate_uid = DuplicateUid::Reject;
    let mut world =
        World::by_hand(Config { authentication: CHECKED, duplicate_uid, ..Config::default() });
    let [older, newer] = [world.connect(), world.connect()];
    for (conn, uid) in [(older, "alice"), (newer, "alice"), (newer, "bob")] {
        let ticket = world.authenticate(conn, "secret").expect("a check");
        world.verdict(ticket, accepted(uid));
    }

    assert_eq!(world.pull(newer), [problem("alice is already online"), logged_in("bob")]);
}

#[test]
fn attempts_count_for_the_address() {
    let login_rate = Some(Rate { per_second: 1, burst: 1 });
    let mut world =
        World::by_hand(Config { authentication: CHECKED, login_rate, ..Config::default() });
    let [conn, other] = [(); 2].map(|()| world.connect_from("192.0.2.1").expect("there is room"));
    let ticket = world.authenticate(conn, "guess").expect("a check");
    world.verdict(ticket, Verdict::Denied(Denial::Invalid));

    assert_eq!(world.authenticate(other, "guess"), None);
    assert_eq!(world.pull(other), [problem("too many logins from this address, try again later")]);
    assert_eq!(world.authenticate(conn, "guess"), None);

    assert_eq!(world.pull(conn).last(), Some(&closed(CloseReason::TooFast)));
}
