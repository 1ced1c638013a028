//! Clients that this project did not write: Node's `ws`, Python's `websockets` and a browser.
//!
//! `tests/all` installs them. Each script logs in as one of two users and plays the same scene with
//! the other; all of them print what they hear.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use switchboard_tests::Process;

const HEARD: &str = "\
login success, your uid is stranger
a:b
hi all
error: nobody is not online
closed 4001 replaced by a newer login
";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Where `tests/all` installs what is not part of the system.
fn installed() -> PathBuf {
    folder().join("../target/strangers")
}

/// Plays the scene with a stranger that `start` runs, on each runtime.
fn scene(start: impl Fn(&str) -> Output + Sync) {
    for runtime in ["smol", "blocking"] {
        println!("{runtime}");
        let server = Process::start(env!("CARGO_BIN_EXE_server"), &["--runtime", runtime]);
        let url = format!("ws://{}/", server.address());
        let mut friend = server.log_in("friend");
        let output = std::thread::scope(|threads| {
            let stranger = threads.spawn(|| start(&url));
            // The stranger has said that it is there.
            friend.hears("here I am");
            friend.say("stranger:a:b");
            friend.say("all:hi all");
            friend.hears("hi all");
            friend.hears("over to you");
            let mut taker = server.log_in("stranger");
            let output = stranger.join().expect("no panic");
            friend.say("stranger:you are new");
            taker.hears("you are new");
            output
        });
        let (heard, error) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{error}");
        assert_eq!(heard, HEARD, "{error}");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; tests/all installs what is missing"))
}

#[test]
fn node_ws() {
    let script = folder().join("strangers/stranger.cjs");
    let modules = installed().join("node_modules");
    scene(|url| run(Command::new("node").arg(&script).arg(url).env("NODE_PATH", &modules)));
}

#[test]
fn python_websockets() {
    let script = folder().join("strangers/stranger.py");
    let python = installed().join("python/bin/python");
    scene(|url| run(Command::new(&python).arg(&script).arg(url)));
}

/// The snippet of the README, more or less, in headless Chromium.
#[test]
fn browser() {
    let script = folder().join("strangers/browser.cjs");
    let modules = installed().join("node_modules");
    scene(|url| run(Command::new("node").arg(&script).arg(url).env("NODE_PATH", &modules)));
}
