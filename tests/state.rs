//! A hub that was written out and read back does as if nothing had happened.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use switchboard_core::{Config, Hub, HubState, Input, Instant, Name, Request, Target};
use switchboard_model::{CONFIG_BYTES, Message, Op, check, config};
use switchboard_tests::cases;

const CASES: u32 = 3_000;

/// The longest list of operations.
const OPS: usize = 300;

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn it_goes_on_as_before(
        limits in any::<[u8; CONFIG_BYTES]>(),
        ops in vec(any::<[u8; Op::BYTES]>(), 1..=OPS),
        moments in vec(any::<Index>(), 1..=4),
    ) {
        go_on(limits, &ops, &moments, through_postcard)?;
    }
}

proptest! {
    #![proptest_config(cases(CASES / 10))]

    #[test]
    fn it_goes_on_as_before_in_another_format(
        limits in any::<[u8; CONFIG_BYTES]>(),
        ops in vec(any::<[u8; Op::BYTES]>(), 1..=OPS),
        moments in vec(any::<Index>(), 1..=4),
    ) {
        go_on(limits, &ops, &moments, through_json)?;
    }
}

/// The hub goes through bytes at these moments, its twin does not; and both do as their model.
fn go_on(
    limits: [u8; CONFIG_BYTES],
    ops: &[[u8; Op::BYTES]],
    moments: &[Index],
    through: fn(&Hub<Message>) -> Hub<Message>,
) -> Result<(), TestCaseError> {
    let ops: Vec<_> = ops.iter().copied().map(Op::decode).collect();
    let moments: Vec<_> = moments.iter().map(|moment| moment.index(ops.len())).collect();
    let replace = |step, hub: &_| moments.contains(&step).then(|| through(hub));
    check::try_run_replaced(config(limits), &ops, replace).map_err(TestCaseError::fail)
}

/// One timeout looks at so many timers, whether they count or not. So those that do not are a part of
/// what decides who is closed when.
#[test]
fn timers_that_do_not_count_go_along() {
    let later = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    let stall_timeout = Some(Duration::from_secs(60));
    let config = Config { heartbeat: None, stall_timeout, ..Config::default() };
    let mut hub: Hub<Message> = Hub::new(config, 1, Instant::ZERO);
    let conns: Vec<_> = (0..2_000).map(|_| hub.connect(Instant::ZERO, None)).collect();
    for (user, conn) in conns.iter().flatten().copied().enumerate() {
        let uid = user.to_string();
        let request = Request::Login(Name::new(&uid).expect("a name"));
        hub.handle(Instant::ZERO, Input::Request { conn, request, size: 4 });
    }
    for conn in conns.into_iter().flatten().step_by(2) {
        hub.handle(later(59), Input::PeerClosed { conn });
    }
    let mut restored = through_postcard(&hub);
    let mut timeouts = 0;
    while hub.poll_timeout().is_some_and(|deadline| deadline.at <= later(60)) {
        timeouts += 1;
        for hub in [&mut hub, &mut restored] {
            hub.handle(later(60), Input::Timeout);
        }
        assert_eq!(restored.poll_timeout(), hub.poll_timeout());
    }
    assert_eq!(timeouts, 2, "a thousand that count, and a thousand that do not");
}

#[test]
fn a_state_tells_what_its_new_owner_has_to_know() {
    let now = Instant::from_micros(7);
    let mut hub: Hub<Message> = Hub::new(Config { max_groups: 7, ..Config::default() }, 1, now);
    let conns: Vec<_> = (0..3).map(|_| hub.connect(now, None).expect("room")).collect();
    hub.handle(now, Input::Disconnected { conn: conns[1] });
    let state = hub.save();
    assert_eq!((state.now(), state.config()), (now, hub.config()));
    assert_eq!(state.connections().collect::<Vec<_>>(), [conns[0], conns[2]]);
}

#[test]
fn another_version_is_not_read() {
    let hub: Hub<Message> = Hub::new(Config::default(), 1, Instant::ZERO);
    let mut json = serde_json::to_value(hub.save()).expect("memory takes it");
    json["version"] = 2.into();
    let refused = serde_json::from_value::<HubState<Message>>(json).map(drop);
    let refused = refused.expect_err("it is of another version").to_string();
    assert_eq!(refused, "a hub's state of version 2, expected 1");
    let mut bytes = postcard::to_allocvec(&hub.save()).expect("memory takes it");
    bytes[0] = 0;
    assert!(postcard::from_bytes::<HubState<Message>>(&bytes).is_err());
}

#[test]
fn what_cannot_be_says_why() {
    let mut hub: Hub<Message> = Hub::new(Config::default(), 1, Instant::ZERO);
    let conn = hub.connect(Instant::ZERO, None).expect("room");
    let request = Request::Login(Name::new("alice").expect("a name"));
    hub.handle(Instant::ZERO, Input::Request { conn, request, size: 5 });
    let refused = |path: &str, value: serde_json::Value| {
        let mut json = serde_json::to_value(hub.save()).expect("memory takes it");
        *json.pointer_mut(path).expect(path) = value;
        let state: HubState<Message> = serde_json::from_value(json).expect("well formed");
        Hub::restore(state, 1).map(drop).expect_err(path).to_string()
    };
    let said = refused("/slots/0/conn/cursors/0/next", 7.into());
    assert_eq!(said, "no hub can be in this state: a cursor is past its end");
    let said = refused("/slots/0/conn/cursors/1/topic", 2.into());
    assert_eq!(said, "no hub can be in this state: a cursor in no topic");
    let said = refused("/topics/1/name", serde_json::json!({ "User": "a:b" }));
    assert_eq!(said, "no hub can be in this state: a bad name");
    let said = refused("/events", 5.into());
    assert_eq!(said, "no hub can be in this state: a hole in the numbers of events");
    let said = refused("/config/max_connections", 0.into());
    assert_eq!(said, "no hub can be in this state: too many connections");
}

fn through_postcard(hub: &Hub<Message>) -> Hub<Message> {
    let bytes = postcard::to_allocvec(&hub.save()).expect("memory takes it");
    let state: HubState<Message> = postcard::from_bytes(&bytes).expect("what was written is read");
    let restored = Hub::restore(state, 3).expect("what was a hub is one");
    let again = postcard::to_allocvec(&restored.save()).expect("memory takes it");
    assert!(again == bytes, "what is written next is not the same");
    restored
}

fn through_json(hub: &Hub<Message>) -> Hub<Message> {
    let json = serde_json::to_string(&hub.save()).expect("memory takes it");
    let state: HubState<Message> = serde_json::from_str(&json).expect("what was written is read");
    Hub::restore(state, 4).expect("what was a hub is one")
}

/// Figures that a state or an embedder says stay at their end.
#[test]
fn sums_do_not_overflow() {
    let now = Instant::ZERO;
    let mut hub: Hub<Message> = Hub::new(config([0; CONFIG_BYTES]), 1, now);
    let conns = ["alice", "bob", "eve"].map(|uid| {
        let conn = hub.connect(now, None).expect("there is room");
        let request = Request::Login(Name::new(uid).expect("a name"));
        hub.handle(now, Input::Request { conn, request, size: usize::MAX });
        conn
    });
    let huge = Message { id: 1, size: usize::MAX };
    for _ in 0..2 {
        hub.push(now, Target::Everyone, huge).expect_err("there is no such room");
    }
    assert_eq!(hub.stats().received_bytes, u64::MAX);

    hub.push(now, Target::Everyone, Message { id: 2, size: 1 }).expect("they are online");
    let mut state = serde_json::to_value(hub.save()).expect("memory takes it");
    state["stats"]["received_bytes"] = 0.into();
    let most = (1_u64 << 63) - 1;
    state["topics"][0]["first"] = most.into();
    let state = serde_json::from_value(state).expect("a state");
    let mut hub = Hub::<Message>::restore(state, 1).expect("nothing that it says is impossible");
    for conn in conns {
        while hub.poll_frame(conn).is_some() {}
    }
    assert_eq!(hub.stats().missed, u64::MAX);
}
