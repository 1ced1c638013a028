//! The examples do what they say. They are built with the tests, into a folder beside theirs.

use std::{
    env,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use switchboard_tests::Process;

fn example(name: &str) -> Command {
    let test = env::current_exe().expect("a running test");
    let built: PathBuf = test.ancestors().nth(2).expect("target/debug").join("examples").join(name);
    assert!(built.exists(), "{} is missing: cargo build --workspace --examples", built.display());
    Command::new(built)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn no_io_tells_the_whole_story() {
    let output = example("no_io").output().expect("it can be run");
    assert!(output.status.success());
    let told = text(&output.stdout);
    for decision in [
        "-> alice: login success, your uid is alice",
        "-> bob: hello all",
        "-> bob: error: carol is not online",
        "-> bob: close 4001",
        "-> phone: which one?",
        "-> alice: error: you missed 1 message",
        "-> mallory: close 1008",
        "drop mallory's socket",
    ] {
        assert!(told.contains(decision), "{decision:?} is not in\n{told}");
    }
}

#[test]
fn heartbeat_waits_for_nothing() {
    let output = example("heartbeat").output().expect("it can be run");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    for line in ["bob is pinged", "bob is closed: no sign of life", "alice is online"] {
        assert!(told.contains(line), "{line:?} is not in\n{told}");
    }
}

/// Runs the chat client with these lines typed.
fn chat(server: &Process, uid: &str, lines: &str) -> Output {
    let mut client = example("chat")
        .args([&format!("ws://{}", server.address()), uid])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let mut input = client.stdin.take().expect("it is piped");
    // Fails if the client has ended already, which its output tells.
    drop(input.write_all(lines.as_bytes()));
    drop(input);
    client.wait_with_output().expect("a child can be waited for")
}

#[test]
fn chat_passes_on_what_is_typed() {
    let server = Process::start(env!("CARGO_BIN_EXE_server"), &[]);
    let mut alice = server.log_in("alice");
    let output = chat(&server, "bob", "alice:hello\nbob:me\nnobody:hi\nhello\nalice:a:b\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
    // All answers, although the input ends before they come.
    assert_eq!(
        text(&output.stdout),
        "login success, your uid is bob\n\
         me\n\
         error: nobody is not online\n\
         error: expected uid:message\n"
    );
    alice.hears("hello");
    alice.hears("a:b");
}

#[test]
fn chat_says_in_one_line_what_is_wrong() {
    let server = Process::start(env!("CARGO_BIN_EXE_server"), &[]);
    let output = chat(&server, "all", "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "error: the uid all is reserved for everybody\n");
    assert_eq!(text(&output.stderr).lines().count(), 1);

    let usage = example("chat").output().expect("it can be run");
    assert_eq!(usage.status.code(), Some(2));
    assert_eq!(text(&usage.stderr).lines().count(), 1);
}
