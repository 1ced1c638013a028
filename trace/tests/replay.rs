//! What was recorded happens again, and what is broken says so.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use proptest::{collection::vec, prelude::*, sample::Index};
use switchboard_core::{
    Authentication, Config, ConnId, Denial, DuplicateUid, Fault, Hub, Input, Instant, Kick, Name,
    Output, Problem, Rate, Request, RingLimit, SlowReader, Stats, Target, Ticket, Verdict,
};
use switchboard_trace::{
    Bodies, Digest, Observer, Recorded, Replay, ReplayError, Tape, Trace, TraceError,
};

/// A step of the day: which connection and which uid take part is up to the numbers.
#[derive(Clone, Debug)]
struct Step {
    what: u8,
    conn: Index,
    uid: u8,
    size: usize,
    micros: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let micros = prop_oneof![4 => 0..1000_u64, 1 => 0..30_000_000_u64];
    let parts = (0..24_u8, any::<Index>(), 0..4_u8, 0..50_usize, micros);
    parts.prop_map(|(what, conn, uid, size, micros)| Step { what, conn, uid, size, micros })
}

/// Settings in which things happen.
fn config(checked: bool, share: bool, close: bool) -> Config {
    let ring = RingLimit { entries: 3, bytes: 100 };
    Config {
        authentication: if checked { Authentication::Checked } else { Authentication::Open },
        duplicate_uid: if share { DuplicateUid::Share } else { DuplicateUid::Replace },
        slow_reader: if close { SlowReader::Close } else { SlowReader::Gap },
        message_rate: Some(Rate { per_second: 100, burst: 10 }),
        max_connections: 6,
        max_groups: 2,
        max_replies: 3,
        everyone_ring: ring,
        user_ring: ring,
        group_ring: ring,
        ..Config::default()
    }
}

/// What there is at the end of a day.
type End = (Digest, Stats);

/// The file of a day, and its end.
fn record(config: Config, steps: &[Step], bodies: Bodies) -> (Vec<u8>, End) {
    let mut files = record_in_files(config, steps, bodies, None);
    files.pop().expect("there is one")
}

/// The same, in a second file from that step on.
fn record_in_files(
    config: Config,
    steps: &[Step],
    bodies: Bodies,
    turn: Option<usize>,
) -> Vec<(Vec<u8>, End)> {
    let start = Instant::from_micros(77);
    let file = Arc::new(Mutex::new(Vec::new()));
    let writes = Arc::clone(&file);
    let sink = move |bytes: Vec<u8>| {
        writes.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    };
    let mut files = Vec::new();
    let hub: Hub<Arc<str>> = Hub::new(config, 5, start);
    let tape = Tape::new(&hub, start, 1_000_000, bodies, sink);
    let mut day = Day {
        hub: Recorded::new(hub, Some(tape)),
        now: start,
        conns: Vec::new(),
        tickets: BTreeMap::new(),
    };
    let mut end = |day: &mut Day| {
        day.hub.flush();
        let digest = day.hub.digest().expect("there is a tape");
        let end = (digest, day.hub.stats());
        files.push((std::mem::take(&mut *file.lock().expect("no panic")), end));
    };
    for (number, step) in steps.iter().enumerate() {
        if turn == Some(number) {
            end(&mut day);
            let beginning = day.hub.go_on(2_000_000).expect("there is a tape");
            let mut to = file.lock().expect("no panic");
            let Ok(()) = beginning.write(|bytes| {
                to.extend_from_slice(bytes);
                Ok::<_, Infallible>(())
            });
        }
        day.step(step);
    }
    end(&mut day);
    files
}

struct Day {
    hub: Recorded<Arc<str>>,
    now: Instant,
    conns: Vec<ConnId>,
    tickets: BTreeMap<ConnId, Ticket>,
}

impl Day {
    fn step(&mut self, step: &Step) {
        self.now = self.now + std::time::Duration::from_micros(step.micros);
        let now = self.now;
        let uid = ["alice", "bob", "eve", "mallory"][usize::from(step.uid)];
        let name = Name::new(uid).expect("a name");
        let payload: Arc<str> = "m".repeat(step.size).into();
        if self.conns.is_empty() || step.what < 2 {
            let address: IpAddr = [10, 0, 0, step.uid].into();
            self.conns.extend(self.hub.connect(now, Some(address)));
            return;
        }
        let index = step.conn.index(self.conns.len());
        let conn = self.conns[index];
        let request = match step.what {
            2 | 3 => Request::Login(name),
            4 => Request::Authenticate(payload),
            5 | 6 => Request::Send { to: Target::Everyone, payload },
            7 | 8 => Request::Send { to: Target::User(name), payload },
            9 => Request::Send { to: Target::Group(name), payload },
            10 => Request::Join(name),
            11 => Request::Leave(name),
            12 => Request::Invalid(Problem::ExpectedUidMessage),
            what => return self.other(what, index, name, payload),
        };
        self.hub.handle(now, Input::Request { conn, request, size: step.size });
    }

    fn other(&mut self, what: u8, index: usize, name: Name<'_>, payload: Arc<str>) {
        let (now, conn) = (self.now, self.conns[index]);
        let input = match what {
            13..=15 => {
                // As many frames as the socket takes.
                for _ in 0..=payload.len() % 4 {
                    let _frame = self.hub.poll_frame(conn);
                }
                return;
            }
            16 | 17 => {
                for _ in 0..=payload.len() % 8 {
                    if let Some(Output::Check { ticket, conn, .. }) = self.hub.poll_output() {
                        self.tickets.insert(conn, ticket);
                    }
                }
                return;
            }
            // Some are asked for what they have to read after they have ended.
            18 if payload.len().is_multiple_of(2) => Input::Disconnected { conn },
            18 => Input::Disconnected { conn: self.conns.swap_remove(index) },
            19 => match self.tickets.remove(&conn) {
                Some(ticket) if payload.len().is_multiple_of(2) => {
                    Input::Verdict { ticket, verdict: Verdict::Accepted(name) }
                }
                Some(ticket) => {
                    Input::Verdict { ticket, verdict: Verdict::Denied(Denial::Invalid) }
                }
                None => Input::Heard { conn, size: payload.len() },
            },
            20 => Input::Timeout,
            21 => {
                let _taken = self.hub.push(now, Target::User(name), payload);
                return;
            }
            22 => {
                let kick = Kick::new(4001, "go").expect("a kick");
                let _kicked = self.hub.kick(now, name, &kick);
                return;
            }
            _ => Input::Fault { conn, fault: Fault::TooLarge },
        };
        self.hub.handle(now, input);
    }
}

/// Replays as far as it goes. Returns what stopped it.
fn replay(file: &[u8]) -> (Option<Replay>, Result<(), String>) {
    let begun = Trace::new(file).and_then(Trace::replay);
    let (mut replay, blocks) = match begun {
        Ok(begun) => begun,
        Err(error) => return (None, Err(error.to_string())),
    };
    for block in blocks {
        let block = match block {
            Ok(block) => block,
            Err(error) => return (Some(replay), Err(error.to_string())),
        };
        if let Err(error) = replay.play(block, &mut ()) {
            return (Some(replay), Err(error.to_string()));
        }
    }
    (Some(replay), Ok(()))
}

fn day() -> impl Strategy<Value = (Config, Vec<Step>)> {
    (any::<[bool; 3]>().prop_map(|[a, b, c]| config(a, b, c)), vec(step(), 0..120))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everybody_is_told_the_same_again((config, steps) in day()) {
        for bodies in [Bodies::Hashed, Bodies::Whole] {
            let (file, end_of_day) = record(config.clone(), &steps, bodies);
            let (replay, end) = replay(&file);
            prop_assert_eq!(end, Ok(()));
            let replay = replay.expect("a whole file");
            prop_assert_eq!((replay.digest(), replay.hub().stats()), end_of_day);
            prop_assert_eq!(&replay.header().config, &config);
            prop_assert_eq!(replay.header().started_at, 1_000_000);
            replay.hub().assert_consistent();
        }
    }

    /// A recording that goes on in another file needs nothing of the first.
    #[test]
    fn each_file_of_a_recording_stands_alone((config, steps) in day(), turn in any::<Index>()) {
        for bodies in [Bodies::Hashed, Bodies::Whole] {
            let turn = (!steps.is_empty()).then(|| turn.index(steps.len()));
            let files = record_in_files(config.clone(), &steps, bodies, turn);
            prop_assert_eq!(files.len(), if turn.is_some() { 2 } else { 1 });
            for (number, (file, end_of_day)) in files.into_iter().enumerate() {
                let (replay, end) = replay(&file);
                prop_assert_eq!(end, Ok(()));
                let replay = replay.expect("a whole file");
                prop_assert_eq!((replay.digest(), replay.hub().stats()), end_of_day);
                prop_assert_eq!(replay.header().is_continued, number > 0);
                replay.hub().assert_consistent();
            }
        }
    }

    /// What is kept of messages makes no difference.
    #[test]
    fn a_hash_says_as_much_as_the_message((config, steps) in day()) {
        let (_, hashed) = record(config.clone(), &steps, Bodies::Hashed);
        let (_, whole) = record(config, &steps, Bodies::Whole);
        prop_assert_eq!(hashed, whole);
    }

    #[test]
    fn a_torn_file_is_good_up_to_where_it_is_torn((config, steps) in day(), cut in any::<Index>()) {
        let (file, _) = record(config, &steps, Bodies::Whole);
        let torn = &file[..cut.index(file.len())];
        let (replay, end) = replay(torn);
        let ends: Vec<usize> = ends(&file);
        if ends.contains(&torn.len()) {
            prop_assert_eq!(end, Ok(()));
        } else if torn.len() < 10 {
            prop_assert_eq!(end, Err("this is not a recording".to_owned()));
        } else {
            let at = ends.into_iter().filter(|end| *end <= torn.len()).max().unwrap_or(10);
            let expected = format!("the recording is torn in the block at byte {at}");
            prop_assert_eq!(end, Err(expected));
            prop_assert_eq!(replay.is_some(), at > 10);
        }
    }

    #[test]
    fn a_damaged_file_says_where(
        (config, steps) in day(),
        place in any::<Index>(),
        bit in 0..8_u32,
    ) {
        let (mut file, _) = record(config, &steps, Bodies::Hashed);
        let place = place.index(file.len());
        let starts: Vec<usize> = [10].into_iter().chain(ends(&file)).collect();
        file[place] ^= 1 << bit;
        let (_, end) = replay(&file);
        let told = end.expect_err("it is damaged");
        let expected = match place {
            0..8 => "this is not a recording".to_owned(),
            8..10 => "the recording has version".to_owned(),
            _ => {
                let block = starts.into_iter().filter(|start| *start <= place).max();
                format!("block at byte {}", block.expect("one begins at 10"))
            }
        };
        prop_assert!(told.contains(&expected), "byte {place} of {}: {told}", file.len());
    }
}

/// Where blocks end.
fn ends(file: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 10;
    while let Ok(Some(block)) = switchboard_trace::check_block(&file[at..]) {
        at += block.end;
        ends.push(at);
    }
    ends
}

#[test]
fn a_credential_is_in_no_recording() {
    let config = Config { authentication: Authentication::Checked, ..Config::default() };
    let connect = Step { what: 0, conn: any_index(), uid: 0, size: 40, micros: 1 };
    let steps = [connect.clone(), Step { what: 4, ..connect }];
    let (file, _) = record(config, &steps, Bodies::Whole);
    let credential = "m".repeat(40);
    assert!(!file.windows(40).any(|part| part == credential.as_bytes()));
}

#[test]
fn a_file_of_something_else_is_refused() {
    assert_eq!(Trace::new(b"GIF89a and so on").err(), Some(TraceError::NotATrace));
    assert_eq!(Trace::new(b"").err(), Some(TraceError::NotATrace));
    assert_eq!(Trace::new(b"swbtrace\x07\x00").err(), Some(TraceError::Version(7)));
}

/// Another program is told from a broken file.
#[test]
fn a_hub_that_decides_otherwise_is_found_out() {
    let steps: Vec<Step> = (0..40_u8)
        .map(|n| Step {
            what: [0, 2, 5, 13][usize::from(n % 4)],
            conn: any_index(),
            uid: n % 3,
            size: 5,
            micros: 10,
        })
        .collect();
    let (file, (digest, _)) = record(config(false, false, false), &steps, Bodies::Hashed);
    let (mut replay, mut blocks) = Trace::new(&file).and_then(Trace::replay).expect("a file");
    let block = blocks.next().expect("a block").expect("a whole one");
    replay.play(block, &mut ()).expect("the same");
    assert_eq!(replay.digest(), digest);
    // The same once more is not what was recorded.
    let again = replay.play(block, &mut ()).expect_err("another day");
    assert!(
        matches!(again, ReplayError::Diverged { recorded, .. } if recorded == digest),
        "{again}"
    );
}

fn any_index() -> Index {
    use proptest::{
        strategy::{Strategy as _, ValueTree as _},
        test_runner::TestRunner,
    };
    let tree = any::<Index>().new_tree(&mut TestRunner::deterministic());
    tree.expect("an index").current()
}

/// Counts what it sees.
#[derive(Default)]
struct Seen {
    inputs: usize,
    frames: usize,
}

impl Observer for Seen {
    fn input(
        &mut self,
        _: &Hub<switchboard_trace::Message>,
        _: Instant,
        _: &Input<'_, switchboard_trace::Message>,
    ) {
        self.inputs += 1;
    }

    fn frame(
        &mut self,
        _: Instant,
        _: ConnId,
        _: &switchboard_core::Frame<switchboard_trace::Message>,
    ) {
        self.frames += 1;
    }
}

#[test]
fn who_looks_on_sees_what_happens_and_blocks_end_in_between() {
    // Somebody comes, logs in, and talks to everybody.
    let whats = [0, 2].into_iter().chain([5, 16, 15].into_iter().cycle());
    let step = |what| Step { what, conn: any_index(), uid: 0, size: 49, micros: 20_000 };
    let steps: Vec<Step> = whats.take(9_000).map(step).collect();
    let (file, (digest, _)) = record(config(false, false, false), &steps, Bodies::Whole);
    let (mut replay, blocks) = Trace::new(&file).and_then(Trace::replay).expect("a file");
    let mut seen = Seen::default();
    let blocks: Vec<_> = blocks.collect::<Result<_, _>>().expect("a whole file");
    assert!(blocks.len() > 2, "{}", blocks.len());
    for block in &blocks {
        replay.play(*block, &mut seen).expect("the same");
    }
    assert_eq!(replay.digest(), digest);
    assert_eq!(replay.inputs(), seen.inputs as u64);
    assert!(seen.frames > 0);
}
