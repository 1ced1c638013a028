//! Each thing that must be true of a hub's state, and states in which it alone is not.
//!
//! A state is changed as JSON; a pointer that ends in `-` adds to a list.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_core::{
    Authentication, Config, ConnId, Fault, Hub, HubState, Input, Instant, Name, Rate, Request,
    RingLimit, SlowReader, Target,
};

const NOW: Instant = Instant::from_micros(5);

/// Every number here is one that the hub reaches.
fn config() -> Config {
    Config {
        max_connections: 4,
        max_connections_per_address: Some(3),
        login_rate: Some(Rate { per_second: 1, burst: 5 }),
        max_groups: 1,
        max_groups_per_connection: 1,
        max_replies: 2,
        everyone_ring: RingLimit { entries: 2, bytes: 9 },
        ..Config::default()
    }
}

fn request(hub: &mut Hub<String>, conn: ConnId, request: Request<'_, String>) {
    hub.handle(NOW, Input::Request { conn, request, size: 5 });
}

fn name(name: &str) -> Name<'_> {
    Name::new(name).expect("a name")
}

/// Alice has read nothing, and bob everything. Carol sent nonsense, and has yet to be told why she has
/// to go. The fourth has not logged in.
fn hub() -> Hub<String> {
    let mut hub = Hub::new(config(), 1, NOW);
    let conns = ["alice", "bob", "carol"].map(|uid| {
        let conn = hub.connect(NOW, Some([192, 0, 2, 1].into())).expect("room");
        request(&mut hub, conn, Request::Login(name(uid)));
        request(&mut hub, conn, Request::Join(name("tea")));
        conn
    });
    hub.connect(NOW, None).expect("room");
    for (to, text) in [(Target::Everyone, "hello"), (Target::Group(name("tea")), "milk?")] {
        hub.push(NOW, to, text.into()).expect("somebody is there");
    }
    hub.push(NOW, Target::Everyone, "more".into()).expect("somebody is there");
    while hub.poll_frame(conns[1]).is_some() {}
    hub.handle(NOW, Input::Fault { conn: conns[2], fault: Fault::Protocol });
    hub
}

/// Both credentials are being checked.
fn checking() -> Hub<String> {
    let authentication = Authentication::Checked;
    let mut hub = Hub::new(Config { authentication, ..config() }, 1, NOW);
    for credential in ["1", "2"] {
        let conn = hub.connect(NOW, None).expect("room");
        request(&mut hub, conn, Request::Authenticate(credential.into()));
    }
    hub
}

fn stopping(over: Duration) -> Hub<String> {
    let mut hub = hub();
    hub.handle(NOW, Input::Shutdown { over });
    hub
}

fn change(state: &mut Value, pointer: &str, value: Value) {
    match pointer.strip_suffix("/-") {
        None => *state.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value,
        Some(list) => {
            let list = state.pointer_mut(list).and_then(Value::as_array_mut);
            list.unwrap_or_else(|| panic!("{pointer}")).push(value);
        }
    }
}

fn restore<const N: usize>(hub: &Hub<String>, changes: [(&str, Value); N]) -> Result<(), String> {
    let mut json = serde_json::to_value(hub.save()).expect("memory takes it");
    for (pointer, value) in changes {
        change(&mut json, pointer, value);
    }
    let state: HubState<String> = serde_json::from_value(json).expect("well formed");
    Hub::restore(state, 1).map(drop).map_err(|error| error.to_string())
}

#[track_caller]
fn refused<const N: usize>(hub: &Hub<String>, flaw: &str, changes: [(&str, Value); N]) {
    let said = restore(hub, changes);
    assert_eq!(said, Err(format!("no hub can be in this state: {flaw}")));
}

#[track_caller]
fn taken<const N: usize>(hub: &Hub<String>, changes: [(&str, Value); N]) {
    assert_eq!(restore(hub, changes), Ok(()));
}

const ALICE: &str = "/slots/0/conn";
const NOBODY: u64 = 1 << 63;

fn id(slot: u32, version: u32) -> Value {
    json!({ "idx": slot, "version": version })
}

fn member(topic: usize, index: usize) -> Value {
    json!({ "topic": topic, "next": 0, "membership": { "Member": { "index": index } } })
}

fn left(topic: usize, until: u64) -> Value {
    json!({ "topic": topic, "next": 0, "membership": { "Left": { "until": until } } })
}

fn topic(name: Value) -> Value {
    let walk = json!({ "left": 0, "again": false });
    json!({ "name": name, "ring": [], "first": 0, "walk": walk })
}

#[test]
fn the_states_that_are_changed_here_are_hubs() {
    taken(&hub(), []);
    taken(&checking(), []);
    taken(&stopping(Duration::ZERO), []);
    taken(&stopping(Duration::from_secs(60)), []);
}

#[test]
fn who_waits_to_be_told() {
    let hub = hub();
    for stranger in [id(5, 1), id(1, 3), id(0, 1)] {
        let wake = json!({ "Conn": stranger });
        refused(&hub, "a wake-up for a connection that never was", [("/wakes/-", wake)]);
    }
    let twice = "a second place in the queue";
    refused(&hub, twice, [("/wakes/-", json!({ "Conn": id(1, 1) }))]);
    refused(&hub, twice, [("/wakes/-", json!({ "Topic": 0 }))]);
    refused(&hub, "a walk over no topic", [("/wakes/-", json!({ "Topic": 5 }))]);
    refused(&hub, "a wake-up that will not come", [("/wakes/0", json!({ "Topic": null }))]);

    let idle = ("/slots/0/conn/wake", json!("Idle"));
    refused(&hub, "a reply without a wake-up", [idle.clone()]);
    let no_replies = ("/slots/0/conn/replies", json!([]));
    let ping = ("/slots/0/conn/life/Open/watch/ping", json!(true));
    refused(&hub, "a ping without a wake-up", [idle.clone(), no_replies.clone(), ping]);
    taken(&hub, [idle.clone(), no_replies.clone()]);
    let visited = [("/topics/0/walk/again", json!(false)), ("/topics/0/walk/left", json!(0))];
    let [once, over] = visited;
    refused(&hub, "a message without a wake-up", [idle, no_replies, once, over]);

    let idle = ("/slots/2/conn/wake", json!("Idle"));
    let no_replies = ("/slots/2/conn/replies", json!([]));
    refused(&hub, "a close without a wake-up", [idle.clone(), no_replies.clone()]);

    // Alice has left the group, and has read all but what she was sent there.
    let left_one = [
        ("/slots/0/conn/wake", json!("Idle")),
        ("/slots/0/conn/replies", json!([])),
        ("/slots/0/conn/cursors/0/next", json!(2)),
        ("/slots/0/conn/cursors/2", left(2, 1)),
        ("/slots/1/conn/cursors/2/membership/Member/index", json!(0)),
        ("/topics/2/walk/left", json!(0)),
    ];
    refused(&hub, "a rest to read without a wake-up", left_one);
}

/// A message that alice had to read has made room, and the walk is on its way to close her for it.
#[test]
fn who_waits_to_be_closed() {
    let slow_reader = SlowReader::Close;
    let everyone_ring = RingLimit { entries: 1, bytes: 9 };
    let mut hub = Hub::new(Config { slow_reader, everyone_ring, ..config() }, 1, NOW);
    let conn = hub.connect(NOW, None).expect("room");
    request(&mut hub, conn, Request::Login(name("alice")));
    request(&mut hub, conn, Request::Join(name("tea")));
    for text in ["1", "2"] {
        hub.push(NOW, Target::Everyone, text.into()).expect("alice is there");
    }
    hub.push(NOW, Target::Group(name("tea")), "3".into()).expect("alice is there");
    let idle = ("/slots/0/conn/wake", json!("Idle"));
    taken(&hub, [idle.clone()]);
    let visited = |topic: usize| format!("/topics/{topic}/walk/left");
    taken(&hub, [idle.clone(), (&visited(2), json!(0))]);
    let all_walked = [("/topics/0/walk/again", json!(false)), (&visited(0), json!(0))];
    let [once, over] = all_walked;
    refused(&hub, "a message without a wake-up", [once, over]);
}

#[test]
fn walks_go_on() {
    let hub = hub();
    let flaw = "a walk that will not go on";
    refused(&hub, flaw, [("/topics/0/walk/left", json!(3))]);
    refused(&hub, flaw, [("/topics/1/walk/left", json!(1))]);
    refused(&hub, flaw, [("/topics/1/walk/again", json!(true))]);
}

#[test]
fn what_is_said_can_be_true() {
    let hub = hub();
    let wake = json!({ "Ready": { "conn": id(1, 1) } });
    refused(&hub, "a wake-up among the outputs", [("/outputs/-", wake)]);
    let drop = |conn| [("/outputs/-", json!({ "Drop": { "conn": conn } }))];
    refused(&hub, "who is dropped is forgotten", drop(id(1, 1)));
    refused(&hub, "an output for a connection that never was", drop(id(5, 1)));

    let checking = checking();
    taken(&checking, []);
    let flaw = "a check that was not asked for";
    refused(&checking, flaw, [("/outputs/0/Check/ticket/conn", id(2, 1))]);
    refused(&checking, flaw, [("/outputs/0/Check/ticket/number", json!(3))]);

    let flaw = "a hole in the numbers of events";
    refused(&hub, flaw, [("/outputs", json!([])), ("/outputs/-", event(2, 2))]);
    taken(&hub, [("/outputs", json!([])), ("/outputs/-", event(4, 4))]);
    refused(&hub, "a login with another's number", [("/outputs/-", event(5, 4))]);
    let generation = "/outputs/3/Event/Closed/login/generation";
    refused(&hub, "a login after its end", [(generation, json!(4))]);
    refused(&hub, "a login after its end", [(generation, json!(5))]);
    let uid = "/outputs/3/Event/Closed/login/uid";
    refused(&hub, "an event with a bad name", [(uid, json!(""))]);
    let conn = "/outputs/3/Event/Closed/conn";
    refused(&hub, "an output for a connection that never was", [(conn, id(3, 3))]);
}

fn event(seq: u64, generation: u64) -> Value {
    let login = json!({ "uid": "dave", "generation": generation });
    json!({ "Event": { "LoggedIn": { "seq": seq, "conn": id(1, 1), "login": login } } })
}

#[test]
fn shutdowns() {
    let paced = stopping(Duration::from_secs(60));
    let at_once = stopping(Duration::ZERO);
    let none = ("/shutdown", Value::Null);
    refused(&at_once, "a wake-up for a shutdown that is none", [none]);
    let start = ("/shutdown/start", json!(6));
    refused(&paced, "a shutdown that is yet to begin", [start]);
    let twice = ("/shutdown/left/-", id(1, 1));
    refused(&paced, "a connection to be closed twice", [twice]);
    let unknown = ("/shutdown/left/-", id(9, 1));
    refused(&paced, "a shutdown for a connection that never was", [unknown]);
    let nobody = ("/shutdown/left", json!([]));
    refused(&paced, "a connection that stays after a shutdown", [nobody]);

    let flaw = "a shutdown that does not go on as it should";
    refused(&paced, flaw, [("/wakes/-", json!("Shutdown"))]);
    refused(&at_once, flaw, [("/wakes/-", json!("Shutdown"))]);
    let last = at_once.stats().wakes - 1;
    refused(&at_once, flaw, [(&format!("/wakes/{last}"), json!({ "Topic": null }))]);
}

#[test]
fn nothing_is_larger_than_it_may_be() {
    let hub = hub();
    refused(&hub, "too many connections", [("/config/max_connections", json!(3))]);
    refused(&hub, "too many groups", [("/config/max_groups", json!(0))]);
    refused(&hub, "too many replies", [("/config/max_replies", json!(0))]);
    taken(&hub, [("/config/max_replies", json!(1))]);
    let groups = ("/config/max_groups_per_connection", json!(0));
    refused(&hub, "a connection in too many groups", [groups]);
    for few in [1, 2] {
        let limit = ("/config/max_connections_per_address", json!(few));
        refused(&hub, "too many connections from an address", [limit]);
    }
    let full = "a ring with more than it can hold";
    refused(&hub, full, [("/config/everyone_ring/entries", json!(1))]);
    refused(&hub, full, [("/config/everyone_ring/bytes", json!(8))]);

    let idle = |hosts| (0..hosts).map(|host| json!([{ "V4": host }, { "clear_at": 9 }]));
    taken(&hub, [("/addresses", idle(4).collect())]);
    refused(&hub, "too many idle addresses", [("/addresses", idle(5).collect())]);
    refused(&hub, "an address twice", [("/addresses", idle(1).chain(idle(1)).collect())]);

    let stale = |count| vec![json!({ "at": 99_000_000, "conn": id(1, 1), "why": "Ping" }); count];
    taken(&hub, [("/stale_timers", stale(60).into())]);
    refused(&hub, "too many timers that do not count", [("/stale_timers", stale(61).into())]);
    let first = json!({ "at": 6, "conn": id(1, 1), "why": "Ping" });
    refused(&hub, "a deadline that nobody waits for comes first", [("/stale_timers/-", first)]);
}

/// One that is being closed can have read as another, and have yet to read what that one was sent.
#[test]
fn rings_together_keep_no_more_than_they_may() {
    let user_ring = RingLimit { entries: 1, bytes: 9 };
    let everyone_ring = RingLimit { entries: 1, bytes: 0 };
    let config = Config { max_connections: 1, max_groups: 0, ..config() };
    let config = Config { user_ring, everyone_ring, ..config };
    let mut hub: Hub<String> = Hub::new(config, 1, NOW);
    let conn = hub.connect(NOW, None).expect("room");
    request(&mut hub, conn, Request::Login(name("alice")));
    hub.push(NOW, Target::User(name("alice")), "123456789".into()).expect("alice is there");
    hub.handle(NOW, Input::Fault { conn, fault: Fault::Protocol });
    taken(&hub, []);
    let mut other = topic(json!({ "User": "bob" }));
    other["ring"] = json!([{ "seq": 2, "posted": 5, "payload": "1" }]);
    let cursors = "/slots/0/conn/cursors/-";
    refused(&hub, "too much is kept", [("/topics/-", other), (cursors, left(2, 1))]);
}

#[test]
fn connections_are_where_they_can_be() {
    let (hub, checking) = (hub(), checking());
    let credentials = ("/config/authentication", json!("Checked"));
    refused(&hub, "a login where there should be a credential", [credentials]);
    let life = |life: &str| ("/slots/3/conn/life", json!({ life: { "until": 9 } }));
    refused(&hub, "a credential where none is wanted", [life("Credential")]);
    let open = ("/config/authentication", json!("Open"));
    refused(&checking, "a credential where none is wanted", [open]);
    for ticket in [0, 3] {
        let ticket = ("/slots/0/conn/life/Checking/ticket", json!(ticket));
        refused(&checking, "a check that was not asked for", [ticket]);
    }
    let full = ("/config/max_replies", json!(0));
    refused(&checking, "no room for a verdict", [full]);

    for generation in [0, 5] {
        let generation = ("/slots/0/conn/life/Open/generation", json!(generation));
        refused(&hub, "a login without an event", [generation]);
    }
    for waits in ["heartbeat", "stall_timeout"] {
        let never = format!("/config/{waits}");
        refused(&hub, "a watch that nobody keeps", [(&never, Value::Null)]);
    }
    for early in ["since", "watch/heard"] {
        let early = format!("{ALICE}/life/Open/{early}");
        refused(&hub, "something that is yet to come has been heard", [(&early, json!(6))]);
    }

    let closed = |pointer| ("/slots/2/conn/life", json!({ "Closed": { "until": pointer } }));
    let flaw = "something to read after the last frame";
    refused(&hub, flaw, [closed(9), ("/slots/2/conn/replies", json!([]))]);
    let no_cursors = ("/slots/2/conn/cursors", json!([]));
    refused(&hub, flaw, [closed(9), no_cursors]);
}

#[test]
fn replies_are_in_order() {
    let hub = hub();
    let reply = |seq: u64| json!({ "seq": seq, "answer": { "LoggedIn": "alice" } });
    let flaw = "replies that are not in order";
    refused(&hub, flaw, [("/slots/0/conn/replies/-", reply(1))]);
    refused(&hub, flaw, [("/slots/0/conn/replies/-", reply(7))]);
    taken(&hub, [("/slots/0/conn/replies/-", reply(6))]);
    let answer = json!({ "LoggedIn": "a:b" });
    refused(&hub, "a login with a bad name", [("/slots/0/conn/replies/0/answer", answer)]);
    // An embedder may have any name told back.
    let told_back = json!({ "Problem": { "NotInGroup": "a:b" } });
    taken(&hub, [("/slots/0/conn/replies/0/answer", told_back)]);
}

#[test]
fn cursors_are_where_there_is_something_to_read() {
    let hub = hub();
    let cursor = |index: usize| format!("{ALICE}/cursors/{index}");
    refused(&hub, "a cursor in no topic", [(&cursor(2), member(4, 0))]);
    let nobodys = "a place in a topic that is nobody's, or that of two";
    refused(&hub, nobodys, [(&cursor(2), member(2, 2))]);
    refused(&hub, nobodys, [(&cursor(2), member(2, 1))]);
    refused(&hub, "a cursor is past its end", [("/slots/0/conn/cursors/1/next", json!(1))]);
    refused(&hub, "a cursor is past its end", [("/slots/2/conn/cursors/1", left(2, 2))]);
    let done = ("/slots/2/conn/cursors/1/next", json!(1));
    refused(&hub, "a cursor outlived its messages", [done]);
    let gone = [("/topics/0/ring", json!([])), ("/topics/0/first", json!(2))];
    refused(&hub, "the last message is gone and was not read", gone);
    let groups = ("/config/max_groups_per_connection", json!(2));
    let flaw = "a member twice";
    refused(&hub, flaw, [(&format!("{ALICE}/cursors/-"), member(2, 2)), groups.clone()]);

    refused(&hub, "a reader that was never logged in", [("/slots/3/conn/cursors/-", left(2, 1))]);
    refused(&hub, "a member that is not logged in", [("/slots/2/conn/cursors/1", member(2, 2))]);
    let alone = (&*cursor(0), left(0, 2));
    let lonely = "an open connection without a uid";
    refused(&hub, lonely, [(&format!("{ALICE}/cursors"), json!([member(0, 0)]))]);

    let flaw = "not in everybody and its uid";
    let second = "/slots/1/conn/cursors/0/membership/Member/index";
    refused(&hub, flaw, [alone, (second, json!(0))]);
    refused(&hub, flaw, [(&cursor(0), member(1, 0)), (&cursor(1), member(0, 0))]);
    let group = [(&*cursor(1), member(2, 0)), (&*cursor(2), member(1, 0))];
    refused(&hub, "a uid that is none", group);
    let bob = "/slots/1/conn/cursors";
    let other = (&*format!("{bob}/-"), member(1, 1));
    refused(&hub, "a group that is none", [other, groups]);
}

#[test]
fn topics() {
    let hub = hub();
    let unread = topic(json!({ "User": "dave" }));
    refused(&hub, "a topic that nobody reads", [("/topics/-", unread)]);
    refused(&hub, "everybody is missing", [("/topics", json!([]))]);
    let second = topic(json!("Everyone"));
    refused(&hub, "everybody is the first topic", [("/topics/-", second)]);
    refused(&hub, "a bad name", [("/topics/1/name/User", json!("all"))]);
    for again in [json!({ "User": "bob" }), json!({ "Group": "tea" })] {
        refused(&hub, "a name twice", [("/topics/-", topic(again))]);
    }
    let first = ("/topics/1/first", json!(NOBODY));
    refused(&hub, "a topic with more messages than there can be", [first]);

    let disorder = "messages that are not in order";
    for seq in [4, 7] {
        refused(&hub, disorder, [("/topics/0/ring/1/seq", json!(seq))]);
    }
    refused(&hub, disorder, [("/topics/0/ring/0/posted", json!(6))]);
    refused(&hub, disorder, [("/topics/0/ring/1/posted", json!(6))]);
    refused(&hub, disorder, [("/topics/0/ring/1/posted", json!(4))]);
}

#[test]
fn counts() {
    let hub = hub();
    let stats = ["accepted", "received_bytes", "delivered", "delivered_bytes", "missed", "pings"];
    let stats = stats.into_iter().chain(["stale", "refused", "closed/14"]);
    let stats = stats.map(|count| format!("/stats/{count}"));
    for count in ["/seq", "/checks", "/events"].map(String::from).into_iter().chain(stats) {
        refused(&hub, "a count that is none", [(&count, json!(NOBODY))]);
    }
    for figure in ["connections", "logged_in", "users", "groups", "payload_bytes", "wakes"] {
        let figure = format!("/stats/{figure}");
        refused(&hub, "figures where there should be counts", [(&figure, json!(1))]);
    }
    let oldest = ("/stats/oldest_to_everyone", json!({ "secs": 0, "nanos": 5 }));
    refused(&hub, "figures where there should be counts", [oldest]);
}

#[test]
fn slots() {
    let hub = hub();
    let flaw = "a connection's id that is none";
    refused(&hub, flaw, [("/slots/3/version", json!(2))]);
    refused(&hub, flaw, [("/slots/3/conn", Value::Null)]);
    let slot = |version: u32| json!({ "version": version, "conn": null });
    let place = || ("/slots/-", slot(2));
    let (room, free) = (("/config/max_connections", json!(5)), ("/free/-", json!(5)));
    refused(&hub, "too many connections", [place(), free.clone()]);
    refused(&hub, "a free place that is lost", [room.clone(), place()]);
    taken(&hub, [room, place(), free]);
    taken(&hub, [("/slots/-", slot(u32::MAX))]);
    for slot in [0, 1, 5] {
        let flaw = "a free place for connections that is not free";
        refused(&hub, flaw, [("/free/-", json!(slot))]);
    }
}
