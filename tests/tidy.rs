//! House rules that are easier to search for than to lint.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The Rust files below a folder of the repository, with their text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                sources.push((path, text));
            }
        }
    }
    assert!(!sources.is_empty(), "{root:?} has no sources");
    sources.sort();
    sources
}

/// The lines of code that contain one of these words, comments left out.
fn find(sources: &[(PathBuf, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_core_has_no_std_no_hash_map_no_clock_and_nothing_unsafe() {
    let words = ["std::", "extern crate std", "HashMap", "HashSet", "unsafe", "println!", "random"];
    assert_eq!(find(&sources("core/src"), &words), Vec::<String>::new());
}

/// No adapter knows what is a uid, a group or a close code, nor any policy: it passes on.
#[test]
fn adapters_decide_nothing() {
    let mut adapters = sources("adapters/src/smol");
    adapters.extend(sources("adapters/src/blocking"));
    adapters.extend(sources("adapters/src/peer"));
    adapters
        .extend(sources("wasi/src").into_iter().filter(|(path, _)| !path.ends_with("options.rs")));
    let shared = ["exchange.rs", "line.rs", "nonblocking.rs", "wire.rs"];
    let is_shared = |path: &Path| shared.iter().any(|name| path.ends_with(name));
    adapters.extend(sources("adapters/src").into_iter().filter(|(path, _)| is_shared(path)));
    let example =
        sources("examples").into_iter().filter(|(path, _)| path.ends_with("mio_server.rs"));
    adapters.extend(example);
    assert!(adapters.len() >= 9, "some of the adapters' files are missing");
    let words = [
        "Name::new",
        "Target::",
        "Request::Login",
        "Request::Send",
        "DuplicateUid",
        "SlowReader",
        "CloseReason::",
        "CloseCode::",
        "Problem::",
        "login_timeout",
        "close_timeout",
        "\"all\"",
    ];
    assert_eq!(find(&adapters, &words), Vec::<String>::new());
}

#[test]
fn files_are_small_enough_to_hold_in_the_head() {
    for folder in
        ["core", "adapters", "examples", "testing", "trace", "wasi", "tests", "fuzz/fuzz_targets"]
    {
        for (path, text) in sources(folder) {
            // The behaviour table is a table.
            let limit = if path.ends_with("behaviour/table.rs") { 500 } else { 450 };
            let lines = text.lines().count();
            assert!(lines <= limit, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn an_adapter_for_a_third_runtime_takes_less_than_150_lines() {
    let examples = sources("examples");
    let (_, text) = examples.iter().find(|(path, _)| path.ends_with("mio_server.rs")).unwrap();
    assert!(text.lines().count() < 150);
}
