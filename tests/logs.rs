//! The log: its lines, and what is in none of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use switchboard_tests::Process;

const SERVER: &str = env!("CARGO_BIN_EXE_server");

fn log_file(test: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.log"))
}

/// What a server logs in whose life alice says a secret to herself, twice.
fn log(test: &str, arguments: &[&str]) -> String {
    let path = log_file(test);
    let script = format!("exec {SERVER} \"$@\" 2>'{}'", path.display());
    let mut server = Process::start("sh", &[&["-c", &script, "sh"], arguments].concat());
    let mut alice = server.log_in("alice");
    for _ in 0..2 {
        alice.say("alice:rosebud");
        alice.hears("rosebud");
    }
    alice.say("nobody:rosebud");
    alice.hears("error: nobody is not online");
    server.signal("HUP");
    server.signal("TERM");
    alice.hears_close(1001);
    drop(alice);
    assert_eq!(server.wait().code(), Some(0));
    fs::read_to_string(path).expect("the server has written it")
}

/// The lines of a log in JSON. Each is an object and says when, how bad, who and what.
fn json(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for key in ["timestamp", "level", "target", "message"] {
            assert!(value[key].is_string(), "no {key} in {line}");
        }
        value
    });
    lines.collect()
}

#[test]
fn json_lines() {
    for runtime in ["smol", "blocking"] {
        for level in ["info", "trace"] {
            let arguments = ["--log-format", "json", "--log", level, "--runtime", runtime];
            let lines = json(&log(&format!("json_{runtime}_{level}"), &arguments));
            assert!(lines.iter().any(|line| {
                line["message"] == "nothing to reload"
                    && line["level"] == "INFO"
                    && line["target"].as_str().is_some_and(|target| target.starts_with("switch"))
            }));
        }
    }
}

#[test]
fn a_start_that_fails_is_logged_as_json() {
    let output = Command::new(SERVER)
        .args(["--log-format", "json", "--listen", "240.0.0.1:0"])
        .output()
        .expect("the server can be run");
    assert_eq!(output.status.code(), Some(2));
    let lines = json(&String::from_utf8(output.stderr).expect("text"));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "ERROR");
    assert!(lines[0]["message"].as_str().is_some_and(|text| text.contains("240.0.0.1:0")));
}

#[test]
fn one_id_follows_a_connection_and_messages_are_in_no_line() {
    for runtime in ["smol", "blocking"] {
        let arguments = ["--log-format", "json", "--log", "debug", "--runtime", runtime];
        let log = log(&format!("id_{runtime}"), &arguments);
        assert!(!log.contains("rosebud"), "{log}");
        let lines = json(&log);
        let is_alice =
            |line: &&Value| line["uid"].as_str().is_some_and(|uid| uid.contains("alice"));
        let conn = &lines.iter().find(is_alice).expect("a line for her login")["conn"];
        let life: Vec<&Value> = lines.iter().filter(|line| &line["conn"] == conn).collect();
        // She connects, logs in and is closed.
        assert!(conn.is_string() && life.len() >= 3, "{log}");
    }
}

#[test]
fn off_is_off() {
    for format in ["text", "json"] {
        assert_eq!(log(&format!("off_{format}"), &["--log=off", "--log-format", format]), "");
    }
}
