//! Why bob did not get a message.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use switchboard_core::{
    Authentication, CloseReason, Config, ConnId, Hub, Input, Instant, Name, Output, Problem, Rate,
    Request, RingLimit, Target, Unit, Verdict,
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

    /// In a new file.
    fn go_on(&mut self) {
        let beginning = self.hub.go_on(0).expect("there is a tape");
        let mut file = self.file.lock().expect("no panic");
        file.clear();
        let Ok(()) = beginning.write(|bytes| {
            file.extend_from_slice(bytes);
            Ok::<_, Infallible>(())
        });
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
    for ring in [RingLimit { entries: 2, bytes: 1000 }, RingLimit { entries: 9, bytes: 8 }] {
        let mut day = Day::new(Config { user_ring: ring, ..Config::default() }, Bodies::Whole);
        let alice = day.log_in("alice");
        let bob = day.log_in("bob");
        for text in ["one", "two", "three"] {
            day.send(alice, "bob", text);
        }
        day.hub.poll_frame(bob);
        let accounts = day.explain(Filter::Any);
        let missed = Fate::Missed { at: second(9) };
        let expected = [&missed, &Fate::Unread, &Fate::Unread].map(std::slice::from_ref);
        assert_eq!(fates(&accounts), expected);
    }
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

/// The same, while nobody has asked the hub for anything since.
fn send_at_once(day: &mut Day, conn: ConnId, to: &str, text: &str) {
    let to = Name::new(to).map_or(Target::Everyone, Target::User);
    let request = Request::Send { to, payload: text.into() };
    day.hub.handle(day.now, Input::Request { conn, request, size: 1 });
}

#[test]
fn a_refusal_is_told_by_the_answer_to_that_request() {
    let ring = RingLimit { entries: 9, bytes: 9 };
    let mut day = Day::new(Config { user_ring: ring, ..Config::default() }, Bodies::Whole);
    let alice = day.log_in("alice");
    let bob = day.log_in("bob");
    day.ask(alice, Request::Join(Name::new("chess").expect("a name")));
    for (to, text) in [("carol", "one"), ("bob", "far too large"), ("eve", "two")] {
        day.send(alice, to, text);
    }
    day.ask(alice, Request::Leave(Name::new("poker").expect("a name")));
    day.send(alice, "bob", "too large again");
    day.read(alice);
    day.read(bob);
    let accounts = day.explain(Filter::Any);
    let too_large = |size| Fate::Refused { problem: Some(Problem::TooLarge { size, limit: 9 }) };
    let expected: [&[Fate]; 2] = [&[too_large(13)], &[too_large(15)]];
    assert_eq!(fates(&accounts), expected);
}

/// Also where some of the answers have been read, and where they are none.
#[test]
fn answers_are_counted_from_the_login_on() {
    let ring = RingLimit { entries: 9, bytes: 9 };
    let mut day = Day::new(Config { user_ring: ring, ..Config::default() }, Bodies::Whole);
    day.log_in("bob");
    let alice = day.hub.connect(day.now, None).expect("there is room");
    day.ask(alice, Request::Login(Name::new("alice").expect("a name")));
    for (to, text) in [("carol", "one"), ("bob", "far too large")] {
        day.send(alice, to, text);
    }
    day.hub.poll_frame(alice);
    for (to, text) in [("carol", "two"), ("bob", "too large again"), ("carol", "three")] {
        day.send(alice, to, text);
    }
    day.read(alice);
    let accounts = day.explain(Filter::Any);
    let too_large = |size| Fate::Refused { problem: Some(Problem::TooLarge { size, limit: 9 }) };
    let expected: [&[Fate]; 2] = [&[too_large(13)], &[too_large(15)]];
    assert_eq!(fates(&accounts), expected);
}

#[test]
fn a_sender_who_is_too_fast_is_not_told_who_is_online() {
    let rate = Some(Rate { per_second: 1, burst: 1 });
    let mut day = Day::new(Config { message_rate: rate, ..Config::default() }, Bodies::Whole);
    let alice = day.log_in("alice");
    day.now = day.now + Duration::from_secs(9);
    for text in ["one", "two"] {
        send_at_once(&mut day, alice, "bob", text);
    }
    day.read(alice);
    let accounts = day.explain(Filter::Any);
    let too_fast = Problem::TooFast { per_second: 1, unit: Unit::Message };
    let expected: [&[Fate]; 2] =
        [&[Fate::NotOnline { last: None }], &[Fate::Refused { problem: Some(too_fast) }]];
    assert_eq!(fates(&accounts), expected);
}

/// What everybody lost says nothing of what was for bob alone.
#[test]
fn a_gap_is_in_one_topic() {
    let ring = RingLimit { entries: 1, bytes: 100 };
    let config = Config { everyone_ring: ring, user_ring: ring, ..Config::default() };
    let at = second(10);
    let (told, missed) = (Fate::Told { at }, Fate::Missed { at });
    let closed = Fate::Closed { at: second(11), reason: CloseReason::Disconnected };
    let cases = [
        (["all", "all", "bob", "eve"], 1, vec![&missed, &closed, &closed]),
        // A gap comes before the oldest that is left, which is behind the other one.
        (["all", "bob", "all", "eve"], 1, vec![&closed, &told, &closed]),
        (["bob", "all", "all", "eve"], 2, vec![&told, &missed, &closed]),
        (["bob", "all", "all", "bob"], 1, vec![&closed, &missed, &closed, &closed]),
        (["all", "bob", "bob", "all"], 1, vec![&closed, &missed, &closed, &closed]),
    ];
    for (to, frames, expected) in cases {
        let mut day = Day::new(config.clone(), Bodies::Whole);
        let alice = day.log_in("alice");
        let bob = day.log_in("bob");
        to.iter().for_each(|to| day.send(alice, to, "hello"));
        // As much as the socket takes, and then it breaks.
        for _ in 0..frames {
            day.hub.poll_frame(bob);
        }
        day.leave(bob);
        let accounts = day.explain(Filter::Any);
        let told: Vec<&Fate> = accounts.iter().flat_map(|account| &account.fates).collect();
        assert_eq!(told, expected, "{to:?}");
    }
}

/// What was lost of a group that he has left is told first, and all of it.
#[test]
fn a_gap_where_nothing_is_left() {
    let ring = RingLimit { entries: 1, bytes: 100 };
    let mut day = Day::new(Config { group_ring: ring, ..Config::default() }, Bodies::Whole);
    let alice = day.log_in("alice");
    let bob = day.log_in("bob");
    let chess = Name::new("chess").expect("a name");
    let post = |day: &mut Day, text: &str| {
        day.ask(alice, Request::Send { to: Target::Group(chess), payload: text.into() });
    };
    day.ask(alice, Request::Join(chess));
    day.ask(bob, Request::Join(chess));
    day.send(alice, "bob", "direct");
    post(&mut day, "one");
    post(&mut day, "two");
    day.ask(bob, Request::Leave(chess));
    post(&mut day, "three");
    day.hub.poll_frame(bob);
    day.leave(bob);
    let accounts = day.explain(Filter::Any);
    let closed = Fate::Closed { at: second(14), reason: CloseReason::Disconnected };
    let missed = Fate::Missed { at: second(13) };
    let expected = [&closed, &missed, &missed, &Fate::NotInGroup].map(std::slice::from_ref);
    assert_eq!(fates(&accounts), expected);
}

/// The hub knows who somebody is before it has told so.
#[test]
fn who_is_online_does_not_depend_on_what_was_polled() {
    let mut day = Day::new(Config::default(), Bodies::Whole);
    let alice = day.hub.connect(day.now, None).expect("there is room");
    let bob = day.hub.connect(day.now, None).expect("there is room");
    for (conn, uid) in [(alice, "alice"), (bob, "bob")] {
        let request = Request::Login(Name::new(uid).expect("a name"));
        day.hub.handle(day.now, Input::Request { conn, request, size: 1 });
    }
    send_at_once(&mut day, alice, "bob", "one");
    day.hub.handle(day.now, Input::Disconnected { conn: bob });
    send_at_once(&mut day, alice, "bob", "two");
    // Only then is anybody told.
    day.send(alice, "carol", "three");
    day.read(alice);
    let accounts = day.explain(Filter::Any);
    let reason = CloseReason::Disconnected;
    let expected: [&[Fate]; 2] = [
        &[Fate::Closed { at: second(1), reason: reason.clone() }],
        &[Fate::NotOnline { last: Some((second(0), reason)) }],
    ];
    assert_eq!(fates(&accounts), expected);
    assert!(accounts.iter().all(|account| account.from == Sender::User("alice".into())));
}

#[test]
fn who_logs_in_by_a_credential_is_known_at_once() {
    for goes_on in [false, true] {
        let config = Config { authentication: Authentication::Checked, ..Config::default() };
        let mut day = Day::new(config, Bodies::Whole);
        let alice = day.hub.connect(day.now, None).expect("there is room");
        send_at_once(&mut day, alice, "bob", "one");
        let request = Request::Authenticate("secret".into());
        day.hub.handle(day.now, Input::Request { conn: alice, request, size: 1 });
        let mut outputs = std::iter::from_fn(|| day.hub.poll_output());
        let ticket = outputs.find_map(|output| match output {
            Output::Check { ticket, .. } => Some(ticket),
            _ => None,
        });
        if goes_on {
            day.go_on();
        }
        let verdict = Verdict::Accepted(Name::new("alice").expect("a name"));
        let ticket = ticket.expect("a check");
        day.hub.handle(day.now, Input::Verdict { ticket, verdict });
        send_at_once(&mut day, alice, "bob", "two");
        day.read(alice);
        let mut accounts = day.explain(Filter::Any);
        let two = accounts.pop().expect("it is found");
        assert_eq!(two.from, Sender::User("alice".into()));
        assert_eq!(two.fates, [Fate::NotOnline { last: None }]);
        let refused = Fate::Refused { problem: Some(Problem::NotLoggedIn) };
        assert_eq!(accounts.pop().map(|one| one.fates), (!goes_on).then(|| vec![refused]));
    }
}

#[test]
fn who_was_not_let_into_a_group_is_not_in_it() {
    let config = Config { max_groups_per_connection: 0, ..Config::default() };
    for (config, is_let_in) in [(config, false), (Config::default(), true)] {
        let mut day = Day::new(config, Bodies::Whole);
        let alice = day.log_in("alice");
        let bob = day.log_in("bob");
        let chess = Name::new("chess").expect("a name");
        let send = || Request::Send { to: Target::Group(chess), payload: "one".into() };
        day.ask(alice, send());
        day.ask(bob, Request::Join(chess));
        day.ask(alice, send());
        let accounts = day.explain(Filter::Any);
        let second = if is_let_in { Fate::Unread } else { Fate::NotInGroup };
        let expected: [&[Fate]; 2] = [&[Fate::NotInGroup], &[second]];
        assert_eq!(fates(&accounts), expected);
    }
}

/// What the recording does not begin with is learned as it shows.
#[test]
fn he_was_in_a_group_before_the_recording_began() {
    let mut day = Day::new(Config::default(), Bodies::Whole);
    let alice = day.log_in("alice");
    let bob = day.log_in("bob");
    let chess = Name::new("chess").expect("a name");
    day.ask(bob, Request::Join(chess));
    day.send(alice, "bob", "before");
    day.go_on();
    for text in ["one", "two"] {
        day.ask(alice, Request::Send { to: Target::Group(chess), payload: text.into() });
        day.send(alice, "bob", text);
        if text == "one" {
            day.read(bob);
        }
    }
    let accounts = day.explain(Filter::Any);
    let told = Fate::Told { at: second(10) };
    let expected = [&told, &told, &Fate::Unread, &Fate::Unread].map(std::slice::from_ref);
    assert_eq!(fates(&accounts), expected);
    assert!(accounts.iter().all(|account| account.from == Sender::User("alice".into())));
}
