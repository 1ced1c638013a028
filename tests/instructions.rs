//! What the hub costs, in instructions: time is too noisy to tell a change of a few percent.
//!
//! They are counted by valgrind, in an optimised build. Half of the work is done in one run and all of
//! it in another, and the difference counts: what it takes to come so far is not in it.

use std::process::Command;

const TIMES: u64 = 8;

#[test]
fn the_hub_takes_no_more_instructions_than_it_did() {
    let program = build();
    // A tenth above what was counted with Rust 1.95 on x86-64. Who makes it slower on purpose, or
    // has another compiler, says so here.
    for (what, messages, limit) in [
        ("broadcast", 1_000, 745),
        ("broadcast-of-8", 8_000, 430),
        ("unicast", 1_000, 1_945),
        ("login", 1_000, 10_360),
    ] {
        let [half, whole] = [TIMES / 2, TIMES].map(|times| count(&program, what, times));
        let each = (whole - half) / (TIMES - TIMES / 2) / messages;
        println!("{what}: {each} instructions");
        assert!(each <= limit, "{what}: {each} instructions, and not {limit} at the most");
        assert!(each > limit / 2, "{what}: {each} instructions; the limit of {limit} is no limit");
    }
}

fn build() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--quiet", "--package", "switchboard-core", "--bench", "instructions"]);
    cargo.args(["--no-run", "--message-format", "json"]);
    let output = cargo.output().expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("JSON is text");
    let program = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).expect("JSON");
        message["executable"].as_str().map(str::to_owned)
    });
    program.expect("cargo says what it has built")
}

fn count(program: &str, what: &str, times: u64) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", program, what]);
    let output = valgrind.arg(times.to_string()).output().expect("Debian's package valgrind");
    let said = String::from_utf8(output.stderr).expect("valgrind writes text");
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected.expect("a count").1.trim().parse().expect("a number")
}
