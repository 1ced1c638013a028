//! `switchboard send` and `switchboard status`, as a person at a terminal has them.

use std::{
    io::Write,
    net::TcpListener,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use switchboard_tests::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_server");

fn run(server: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("SWITCHBOARD_SERVER", server);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("a child can be waited for")
}

fn url(server: &Process) -> String {
    format!("http://{}", server.address())
}

/// The exit code and what was printed.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

#[test]
fn a_message_is_sent_and_told_whom_it_reached() {
    for runtime in ["smol", "blocking"] {
        let server = Process::start(PROGRAM, &["--runtime", runtime]);
        let mut bob = server.log_in("bob");
        let sent = run(&url(&server), &["send", "--to", "bob", "hi there"], "");
        assert_eq!(said(&sent), (Some(0), "bob: 1 connection\n".into()));
        bob.hears("hi there");
        let sent = run(&url(&server), &["send", "--to", "eve", "--to", "bob", "again"], "");
        assert_eq!(said(&sent), (Some(1), "eve is not online\nbob: 1 connection\n".into()));
        bob.hears("again");
        let sent = run(&url(&server), &["send", "--to", "all"], "one\ntwo: 2\n");
        assert_eq!(said(&sent), (Some(0), "all: 1 connection\nall: 1 connection\n".into()));
        bob.hears("one");
        bob.hears("two: 2");
    }
}

#[test]
fn status_is_for_people_and_for_programs() {
    for runtime in ["smol", "blocking"] {
        let server = Process::start(PROGRAM, &["--runtime", runtime]);
        let bob = server.log_in("bob");
        let (code, text) = said(&run(&url(&server), &["status"], ""));
        assert_eq!(code, Some(0), "{text}");
        for line in ["state               ready", "users online        1"] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        let output = run(&url(&server), &["status", "--json"], "");
        let stats: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(stats["users"], 1);
        drop(bob);
    }
}

#[test]
fn a_server_that_is_full_is_not_ready() {
    // The command itself is one of the two.
    let server = Process::start(PROGRAM, &["--max-connections", "2"]);
    let _bob = server.log_in("bob");
    let (code, text) = said(&run(&url(&server), &["status"], ""));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("there are as many connections as there may be"), "{text}");
}

#[test]
fn keys_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let (right, wrong) =
        (file("right", "\nthe-key-of-the-test\n"), file("wrong", "another-key-of-it"));
    let server = Process::start(PROGRAM, &["--api-key", &right]);
    let status = |key: &str| said(&run(&url(&server), &["status", "--key-file", key], ""));
    assert_eq!(status(&right).0, Some(0));
    let (code, text) = status(&wrong);
    assert_eq!(code, Some(2));
    assert!(text.contains("none of the server's API keys; see --key-file"), "{text}");
    let (code, text) = said(&run(&url(&server), &["status"], ""));
    assert_eq!(code, Some(2));
    assert!(text.contains("see --key-file"), "{text}");
}

#[test]
fn what_fails_is_told_in_a_line() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody_at = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let server = Process::start(PROGRAM, &["--admin-listen", "127.0.0.1:0"]);
    for (server, arguments, says) in [
        (nobody_at.as_str(), &["send", "--to", "bob", "hi"][..], "start it, or see --server"),
        (&url(&server), &["status"][..], "has no API; ask the address that its --admin-listen"),
        ("127.0.0.1:1234", &["status"][..], "expected http://HOST:PORT"),
        (&nobody_at, &["status", "--key-file", "/nowhere"][..], "key-file /nowhere: "),
        (&nobody_at, &["send", "hi"][..], "--to <UID>"),
    ] {
        let (code, text) = said(&run(server, arguments, ""));
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn a_message_that_the_server_refuses_is_not_sent() {
    let server = Process::start(PROGRAM, &["--max-message", "10"]);
    let (code, text) = said(&run(&url(&server), &["send", "--to", "a:b", "hi"], ""));
    assert_eq!(code, Some(2));
    assert!(text.contains("the uid contains a colon"), "{text}");
    let (code, text) = said(&run(&url(&server), &["send", "--to", "bob", "far too long"], ""));
    assert_eq!(code, Some(2));
    assert!(text.contains("expected at most 10 bytes, not 12"), "{text}");
}
