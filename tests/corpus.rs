//! What the fuzzers found worth keeping, without a fuzzer.

use std::{fs, path::Path};

use switchboard_model::fuzz;
use switchboard_tests::{peer_fuzz, trace_fuzz};

#[test]
fn text() {
    replay("text", fuzz::text);
}

#[test]
fn hub() {
    replay("hub", fuzz::hub);
}

#[test]
fn state() {
    replay("state", fuzz::state);
}

#[test]
fn peer() {
    replay("peer", peer_fuzz::peer);
}

#[test]
fn trace() {
    replay("trace", trace_fuzz::trace);
}

fn replay(target: &str, body: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{corpus:?}: {error}"));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{corpus:?} is empty");
    for path in paths {
        // A failing test shows what it printed, and so the input that failed.
        println!("{}", path.display());
        body(&fs::read(&path).expect("a readable file"));
    }
}
