//! What was recorded happens again, and what is broken says so.

mod day;

use day::{End, Step, config, day, record_in_files};
use proptest::{prelude::*, sample::Index};
use switchboard_core::{Authentication, Config, ConnId, Hub, Input, Instant};
use switchboard_trace::{Bodies, Observer, Replay, ReplayError, Trace, TraceError};

/// The file of a day, and its end.
fn record(config: Config, steps: &[Step], bodies: Bodies) -> (Vec<u8>, End) {
    let mut files = record_in_files(config, steps, bodies, None);
    files.pop().expect("there is one")
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
    while let Some(size) = file.get(at..at + 4).and_then(|size| size.try_into().ok()) {
        at += 8 + usize::try_from(u32::from_le_bytes(size)).expect("a small file");
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
