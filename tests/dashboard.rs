//! The Grafana dashboard, beside the metrics that a server has.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use switchboard_tests::Process;

const PREFIX: &str = "switchboard_";

fn dashboard() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/grafana-dashboard.json");
    let text = fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

/// All strings in a value that stand under one of these keys.
fn strings<'a>(value: &'a Value, keys: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if keys.contains(&key.as_str()) => found.push(text),
                    value => strings(value, keys, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, keys, found)),
        _ => {}
    }
}

/// The names of metrics in a query.
fn names(query: &str) -> impl Iterator<Item = &str> {
    query
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(PREFIX))
}

#[test]
fn it_names_only_metrics_that_there_are() {
    let dashboard = dashboard();
    let mut queries = Vec::new();
    strings(&dashboard, &["expr", "query"], &mut queries);
    let named: BTreeSet<&str> = queries.iter().flat_map(|query| names(query)).collect();
    assert!(named.len() > 20, "{named:?}");

    // Nothing listens on port 9; that there are webhooks is enough for their metrics.
    let arguments = ["--webhook-url", "http://127.0.0.1:9/", "--webhook-drain", "0"];
    let server = Process::start(env!("CARGO_BIN_EXE_server"), &arguments);
    let scrape = || {
        let url = format!("http://{}/metrics", server.address());
        ureq::get(url).call().expect("an answer").body_mut().read_to_string().expect("text")
    };
    // The first is a request that the second tells of.
    scrape();
    let metrics = scrape();
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let there: BTreeSet<&str> = lines.filter_map(|line| names(line).next()).collect();
    let missing: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty(), "{missing:?} are not in {metrics}");
}

#[test]
fn its_panels_have_a_place_each() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("a list");
    let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64());
        let (x, y) = (x.expect("a column"), y.expect("a row"));
        for column in x..x + w.expect("a width") {
            assert!(column < 24, "{}", panel["title"]);
            for row in y..y + h.expect("a height") {
                assert!(taken.insert((column, row)), "{} overlaps", panel["title"]);
            }
        }
    }
}
