//! A day on record: replayed, explained, torn.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use switchboard_tests::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_server");

fn file(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.trace"));
    for ending in ["trace", "trace.1", "trace.2", "trace.3", "trace.4"] {
        drop(fs::remove_file(path.with_extension(ending)));
    }
    path
}

/// A server whose day is always the same, up to time.
fn record(path: &Path, arguments: &[&str]) {
    let file = path.display().to_string();
    let mut server = Process::start(PROGRAM, &[&["--record", &file], arguments].concat());
    let mut alice = server.log_in("alice");
    alice.say("bob:are you there?");
    alice.hears("error: bob is not online");
    let mut bob = server.log_in("bob");
    alice.say("bob:hello");
    bob.hears("hello");
    let mut newer = server.log_in("bob");
    bob.hears_close(4001);
    drop(bob);
    alice.say("all:good night");
    alice.hears("good night");
    newer.hears("good night");
    server.signal("TERM");
    alice.hears_close(1001);
    newer.hears_close(1001);
    drop((alice, newer));
    assert_eq!(server.wait().code(), Some(0));
}

/// The exit code, and what was printed.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM).args(arguments).output().expect("it can be run");
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

fn replay(path: &Path) -> (Option<i32>, String) {
    run(&["replay", &path.display().to_string()])
}

/// The second part of the digest.
fn told(replayed: &str) -> &str {
    let digest = replayed.lines().find_map(|line| line.strip_prefix("digest     "));
    let (_, told) = digest.and_then(|digest| digest.split_once('-')).expect("a digest");
    told
}

#[test]
fn servers_of_all_runtimes_tell_the_same() {
    let replayed = ["smol", "blocking"].map(|runtime| {
        let path = file(&format!("same_{runtime}"));
        record(&path, &["--runtime", runtime]);
        let (code, replayed) = replay(&path);
        assert_eq!(code, Some(0), "{replayed}");
        assert!(replayed.contains("messages   2 taken, 3 delivered, 0 missed\n"), "{replayed}");
        // Again and again.
        assert_eq!(replay(&path), (code, replayed.clone()));
        replayed
    });
    assert_eq!(told(&replayed[0]), told(&replayed[1]));
}

#[test]
fn a_message_that_bob_did_not_get_is_explained() {
    for runtime in ["smol", "blocking"] {
        let path = file(&format!("explained_{runtime}"));
        record(&path, &["--runtime", runtime, "--record-messages", "whole"]);
        let path = path.display().to_string();
        let (code, text) = run(&["explain", &path, "--uid", "bob", "--message-like", "there"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains(r#"Z alice sent "are you there?" to bob"#), "{text}");
        assert!(text.contains("bob was not online, and had not been before"), "{text}");
        let (code, text) = run(&["explain", &path, "--uid", "bob"]);
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(text.matches("bob was given it at ").count(), 2, "{text}");
        let (code, text) = run(&["explain", &path, "--uid", "eve", "--message", "hello"]);
        let nothing = "no such message to eve, to all or to a group came in\n";
        assert_eq!((code, &*text), (Some(1), nothing));
    }
}

#[test]
fn hashes_tell_no_words() {
    let path = file("hashed");
    record(&path, &[]);
    let bytes = fs::read(&path).expect("it was written");
    assert!(!bytes.windows(5).any(|part| part == b"hello"));
    let path = path.display().to_string();
    let (code, text) = run(&["explain", &path, "--uid", "bob", "--message", "hello"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("alice sent a message to bob\n  bob was given it at "), "{text}");
    let (code, text) = run(&["explain", &path, "--uid", "bob", "--message-like", "hello"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the recording has only hashes of messages"), "{text}");
}

#[test]
fn a_file_that_is_torn_or_damaged_says_where() {
    let path = file("torn");
    record(&path, &[]);
    let whole = fs::read(&path).expect("it was written");
    fs::write(&path, &whole[..whole.len() - 3]).expect("a file");
    let (code, text) = replay(&path);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the recording is torn in the block at byte "), "{text}");
    assert!(text.contains("replayed up to there"), "{text}");

    let mut damaged = whole;
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(&path, damaged).expect("a file");
    let (code, text) = replay(&path);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(" is damaged"), "{text}");

    fs::write(&path, "something else").expect("a file");
    let (code, text) = replay(&path);
    let expected = format!("switchboard: {}: this is not a recording\n", path.display());
    assert_eq!((code, text), (Some(2), expected));
}

#[test]
fn a_recording_that_is_there_is_kept_and_one_that_cannot_be_written_is_said() {
    let path = file("kept");
    record(&path, &[]);
    let before = fs::read(&path).expect("it was written");
    record(&path, &[]);
    let older = path.with_extension("trace.1");
    assert_eq!(fs::read(&older).expect("it was kept"), before);
    assert_eq!(replay(&path).0, Some(0));
    record(&path, &["--record-keep", "2"]);
    record(&path, &["--record-keep", "2"]);
    assert_ne!(fs::read(path.with_extension("trace.2")).expect("it was kept"), before);
    assert!(!path.with_extension("trace.3").exists());

    let (code, text) = run(&["--listen", "127.0.0.1:0", "--record", "/dev/null"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("record /dev/null: something is there that is not a file"), "{text}");
    let (code, text) = run(&["--listen", "127.0.0.1:0", "--record", "/no/such/folder/file"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("record /no/such/folder/file: "), "{text}");
}

/// What is about to be lost in a crash is no more than the last second.
#[test]
fn what_happens_is_written_soon() {
    let path = file("soon");
    let name = path.display().to_string();
    let server = Process::start(PROGRAM, &["--record", &name]);
    let mut alice = server.log_in("alice");
    alice.say("alice:hello");
    alice.hears("hello");
    loop {
        let (code, text) = replay(&path);
        assert!(code == Some(0) || code == Some(1), "{text}");
        if text.contains("1 delivered") {
            break;
        }
        std::thread::yield_now();
    }
}

/// At its limit, a recording goes on from all that the hub knows.
#[test]
fn a_recording_goes_on_in_a_new_file() {
    for runtime in ["smol", "blocking"] {
        let path = file(&format!("goes_on_{runtime}"));
        let name = path.display().to_string();
        let limited = ["--record-limit", "1MiB", "--record-messages", "whole"];
        let arguments = [&["--record", &name, "--runtime", runtime][..], &limited].concat();
        let mut server = Process::start(PROGRAM, &arguments);
        let mut alice = server.log_in("alice");
        let long = "x".repeat(30_000);
        let older = path.with_extension("trace.1");
        while !older.exists() {
            alice.say(&format!("alice:{long}"));
            alice.hears(&long);
        }
        alice.say("bob:are you there?");
        alice.hears("error: bob is not online");
        server.signal("TERM");
        alice.hears_close(1001);
        drop(alice);
        assert_eq!(server.wait().code(), Some(0));

        for file in [&path, &older] {
            let (code, text) = replay(file);
            assert_eq!(code, Some(0), "{text}");
        }
        let sizes = [&path, &older].map(|file| fs::metadata(file).expect("a file").len());
        assert!(sizes[0] < sizes[1] && sizes[1] > 1 << 20, "{sizes:?}");
        // Who is online is known from the beginning.
        let asked = ["explain", &name, "--uid", "bob", "--message-like", "are you"];
        let (code, text) = run(&asked);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("alice"), "{text}");
    }
}
