//! Why bob did not get a message.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use switchboard_core::{
    CloseReason, Config, ConnId, Hub, Input, Instant, Name, Problem, Rate, Request, RingLimit,
    Target, Unit,
};
use switchboard_trace::{
    Account, Bodies, Explain, Fate, Filter, Recorded, Sender, Tape, Trace, TraceError,
};

struct Day {
    hub: Recorded<Arc<str>>,
    file: Arc<Mutex<Vec<u8>>>,
    now: Instant,
}

impl Day {
    fn new(config: Config, bodies: Bodies) -> Self {
        let now = Instant::ZERO;
        let file = Arc::new(Mutex::new(Vec::new()));
        let writes = Arc::clone(&file);
        let hub = Hub::new(config, 1, now);
        let tape = Tape::new(&hub, now, 0, bodies, move |bytes| {
            writes.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        });
        Self { hub: Recorded::new(hub, Some(tape)), file, now }
    }

    /// A second later, as all that follows.
    fn log_in(&mut self, uid: &str) -> ConnId {
        self.now = self.now + Duration::from_secs(1);
        let conn = self.hub.connect(self.now, None).expect("there is room");
        self.ask(conn, Request::Login(Name::new(uid).expect("a name")));
        self.read(conn);
        conn
    }

    fn ask(&mut self, conn: ConnId, request: Request<'_, Arc<str>>) {
        self.now = self.now + Duration::from_secs(1);
        self.hub.handle(self.now, Input::Request { conn, request, size: 1 });
        while self.hub.poll_output().is_some() {}
    }

    fn send(&mut self, conn: ConnId, to: &str, text: &str) {
        let to = Name::new(to).map_or(Target::Everyone, Target::User);
        self.ask(conn, Request::Send { to, payload: text.into() });
    }

    fn read(&mut self, conn: ConnId) {
        self.now = self.now + Duration::from_secs(1);
        while self.hub.poll_frame(conn).is_some() {}
    }

    fn leave(&mut self, conn: ConnId) {
        self.now = self.now + Duration::from_secs(1);
        self.hub.handle(self.now, Input::Disconnected { conn });
        while self.hub.poll_output().is_some() {}
    }

    fn explain(mut self, filter: Filter) -> Vec<Account> {
        self.hub.flush();
        let file = self.file.lock().expect("no panic").clone();
        let mut explain = Explain::new("bob", filter);
        let (mut replay, blocks) = Trace::new(&file).and_then(Trace::replay).expect("a file");
        let blocks: Result<Vec<_>, TraceError> = blocks.collect();
        for block in blocks.expect("a whole file") {
            replay.play(block, &mut explain).expect("the same");
        }
        explain.finish()
    }
}

fn second(second: u64) -> Instant {
    Instant::from_micros(second * 1_000_000)
}

fn fates(accounts: &[Account]) -> Vec<&[Fate]> {
    accounts.iter().map(|account| &account.fates[..]).collect()
}

#[test]
fn it_was_told_or_is_yet_to_be_read() {
    let mut day = Day::new(Config::default(), Bodies::Whole);
    let alice = day.log_in("alice");
    let bob = day.log_in("bob");
    day.send(alice, "bob", "hello");
    day.read(bob);
    day.send(alice, "all", "hello all");
    day.send(alice, "alice", "hello me");
    let accounts = day.explain(Filter::Like("hello".into()));
    let first = Account {
        number: 5,
        at: second(7),
        from: Sender::User("alice".into()),
        to: "bob".into(),
        text: Some("hello".into()),
        // The frame was asked for between two inputs.
        fates: vec![Fate::Told { at: second(7) }],
    };
    assert_eq!(accounts[0], first);
    assert_eq!((&*accounts[1].to, &accounts[1].fates[..]), ("all", &[Fate::Unread][..]));
    assert_eq!(accounts.len(), 2);
}

#[test]
fn he_was_not_online_then() {
    let mut day = Day::new(Config::default(), Bodies::Whole);
    let alice = day.log_in("alice");
    day.send(alice, "bob", "one");
    day.read(alice);
    let bob = day.log_in("bob");
    day.leave(bob);
    day.send(alice, "bob", "two");
    day.send(alice, "all", "three");
    let accounts = day.explain(Filter::Any);
    let gone = Fate::NotOnline { last: Some((second(9), CloseReason::Disconnected)) };
    let gone = std::slice::from_ref(&gone);
    let expected: [&[Fate]; 3] = [&[Fate::NotOnline { last: None }], gone, gone];
    assert_eq!(fates(&accounts), expected);
}

#[test]
fn a_newer_login_took_over() {
    let mut day = Day::new(Config::default(), Bodies::Hashed);
    let alice = day.log_in("alice");
    let older = day.log_in("bob");
    day.send(alice, "bob", "hello");
    let newer = day.log_in("bob");
    day.leave(older);
    day.send(alice, "bob", "hello");
    day.read(newer);
    let accounts = day.explain(Filter::Exactly("hello".into()));
    let replaced = Fate::Closed { at: second(9), reason: CloseReason::Replaced };
    let expected: [&[Fate]; 2] = [&[replaced], &[Fate::Told { at: second(12) }]];
    assert_eq!(fates(&accounts), expected);
    assert_eq!(accounts[0].text, None);
}

#[test]
fn he_had_fallen_behind() {
    let ring = RingLimit { entries: 2, bytes: 1000 };
    let mut day = Day::new(Config { user_ring: ring, ..Config::default() }, Bodies::Whole);
    let alice = day.log_in("alice");
    let bob = day.log_in("bob");
    for text in ["one", "two", "three"] {
        day.send(alice, "bob", text);
    }
    day.read(bob);
    let accounts = day.explain(Filter::Any);
    let at = second(9);
    let expected: [&[Fate]; 3] =
        [&[Fate::Missed { at }], &[Fate::Told { at }], &[Fate::Told { at }]];
    assert_eq!(fates(&accounts), expected);
}

#[test]
fn its_sender_was_refused() {
    let rate = Some(Rate { per_second: 1, burst: 1 });
    let mut day = Day::new(Config { message_rate: rate, ..Config::default() }, Bodies::Whole);
    let alice = day.log_in("alice");
    let bob = day.log_in("bob");
    let stranger = day.hub.connect(day.now, None).expect("there is room");
    let now = day.now;
    for text in ["one", "two"] {
        let to = Target::User(Name::new("bob").expect("a name"));
        let request = Request::Send { to, payload: text.into() };
        day.hub.handle(now, Input::Request { conn: alice, request, size: 1 });
    }
    day.send(stranger, "bob", "three");
    day.read(bob);
    day.read(alice);
    let accounts = day.explain(Filter::Any);
    let too_fast = Problem::TooFast { per_second: 1, unit: Unit::Message };
    let expected: [&[Fate]; 3] = [
        &[Fate::Told { at: second(7) }],
        &[Fate::Refused { problem: Some(too_fast) }],
        &[Fate::Refused { problem: None }],
    ];
    assert_eq!(fates(&accounts), expected);
    assert_eq!(accounts[2].from, Sender::Nobody);
}

#[test]
fn it_was_for_a_group() {
    let mut day = Day::new(Config::default(), Bodies::Whole);
    let alice = day.log_in("alice");
    let bob = day.log_in("bob");
    let chess = Name::new("chess").expect("a name");
    day.ask(alice, Request::Join(chess));
    day.ask(alice, Request::Send { to: Target::Group(chess), payload: "one".into() });
    day.ask(bob, Request::Join(chess));
    day.ask(alice, Request::Send { to: Target::Group(chess), payload: "two".into() });
    let accounts = day.explain(Filter::Any);
    let expected: [&[Fate]; 2] = [&[Fate::NotInGroup], &[Fate::Unread]];
    assert_eq!(fates(&accounts), expected);
    assert_eq!(accounts[0].to, "the group chess");
}
