use std::{fmt, fs, sync::Weak};

use switchboard_core::{Config, Input, Name, Request, RingLimit, Target};
use switchboard_trace::{Recorded, Trace};

use super::*;

const MIB: usize = 1 << 20;

/// A recorded hub, and what happens just before its recording goes on in a new file.
struct Day {
    recorder: Weak<Shared>,
    hub: Mutex<Recorded<Text>>,
    before: fn(&Shared),
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Day")
    }
}

impl Ask for Arc<Day> {
    fn flush(&self) {
        lock(&self.hub).flush();
    }

    fn go_on(&self, started_at: u64, turn: &dyn Fn(Beginning<Text>)) {
        (self.before)(&self.recorder.upgrade().expect("it asks"));
        lock(&self.hub).go_on(started_at).map(turn);
    }
}

impl Day {
    fn begin(recorder: &Recorder, before: fn(&Shared)) -> Arc<Self> {
        let config =
            Config { user_ring: RingLimit { entries: 4, bytes: 4 * MIB }, ..Config::default() };
        let hub = Hub::new(config, 0, Instant::ZERO);
        let tape = recorder.tape(&hub, Instant::ZERO);
        let hub = Mutex::new(Recorded::new(hub, tape));
        let day = Arc::new(Self { recorder: Arc::downgrade(&recorder.0), hub, before });
        recorder.ask(Arc::clone(&day));
        day
    }

    /// Has somebody log in, and sends him a message of a mebibyte, which he does not read.
    fn long_message(&self, uid: &str) {
        let mut hub = lock(&self.hub);
        let name = Name::new(uid).expect("a name");
        let conn = hub.connect(Instant::ZERO, None).expect("there is room");
        hub.handle(Instant::ZERO, Input::Request { conn, request: Request::Login(name), size: 1 });
        let text = Text(uid.repeat(MIB / uid.len()).into());
        hub.push(Instant::ZERO, Target::User(name), text).expect("he is online");
        hub.flush();
    }
}

/// A recorder that turns after a mebibyte, its file, and the folder that this is in.
fn recorder() -> (Recorder, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("day");
    let rotation = Rotation { limit: MIB as u64, keep: 9 };
    let recorder = Recorder::start(&path, rotation, Bodies::Whole).expect("it can be written");
    (recorder, path, folder)
}

/// How many inputs a recording has, all of which can be replayed.
fn inputs(path: &Path) -> u64 {
    let bytes = fs::read(path).expect("it is there");
    let (mut replay, blocks) = Trace::new(&bytes).and_then(Trace::replay).expect("it begins");
    for block in blocks {
        replay.play(block.expect("it is whole"), &mut ()).expect("it is as it was");
    }
    replay.inputs()
}

#[test]
fn a_large_state_goes_on_in_a_new_file() {
    let (recorder, path, _folder) = recorder();
    let day = Day::begin(&recorder, |_| {});
    let uids = ["alice", "bob", "carol", "dave"];
    for (uid, number) in uids.into_iter().zip(1..) {
        day.long_message(uid);
        while !path.with_extension(number.to_string()).exists() {
            thread::yield_now();
        }
    }
    recorder.finish();
    assert_eq!(inputs(&path), 0);
    for number in 1..=uids.len() {
        assert_eq!(inputs(&path.with_extension(number.to_string())), 3);
    }
    let all_unread = (uids.len() * MIB) as u64;
    assert!(fs::metadata(&path).expect("it is there").len() > all_unread);
}

#[test]
fn a_recording_that_has_ended_stays_where_it_is() {
    let (recorder, path, _folder) = recorder();
    let day = Day::begin(&recorder, |recorder| {
        recorder.take(vec![0; usize::try_from(MAX_WAITING).expect("it is small") + 1]);
    });
    day.long_message("alice");
    day.long_message("bob");
    recorder.finish();
    assert!(recorder.0.has_ended.load(Ordering::Relaxed));
    assert!(inputs(&path) > 0);
    assert!(!path.with_extension("1").exists());
}

#[test]
fn another_hub_is_not_recorded() {
    let (recorder, path, _folder) = recorder();
    let first = Day::begin(&recorder, |_| {});
    let other = Day::begin(&recorder, |_| {});
    other.long_message("eve");
    assert!(lock(&other.hub).digest().is_none());
    lock(&first.hub).connect(Instant::ZERO, None).expect("there is room");
    recorder.finish();
    assert_eq!(inputs(&path), 1);
}
