//! The API as its document promises it, judged by tools that this project did not write:
//! Schemathesis, and a parser of the metrics' format. `tests/all` installs them.

use std::{path::PathBuf, process::Command};

use switchboard_tests::Process;

fn installed(program: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/strangers/python/bin").join(program)
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("strangers").join(name)
}

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; tests/all installs what is missing"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

/// No answer that the document does not declare, none that does not fit its schema, and no 5xx, to
/// requests that fit the document and to those that do not.
#[test]
fn the_api_does_as_its_document_says() {
    let scratch = tempfile::tempdir().expect("a folder");
    for runtime in ["smol", "blocking"] {
        let server = Process::start(env!("CARGO_BIN_EXE_server"), &["--runtime", runtime]);
        let online: Vec<_> = (0..3).map(|user| server.log_in(&format!("user-{user}"))).collect();
        let url = format!("http://{}/v1/openapi.json", server.address());
        let report = run(Command::new(installed("st"))
            .current_dir(scratch.path())
            .arg("--config-file")
            .arg(script("schemathesis.toml"))
            .args([
                "run",
                &url,
                "--checks",
                "all",
                "--max-examples",
                "50",
                "--generation-deterministic",
                "--no-color",
            ]));
        assert!(report.contains("Tested: 8"), "{report}");
        drop(online);
    }
}

#[test]
fn metrics_are_in_the_format_that_prometheus_reads() {
    for runtime in ["smol", "blocking"] {
        let server = Process::start(env!("CARGO_BIN_EXE_server"), &["--runtime", runtime]);
        let mut bob = server.log_in("bob");
        bob.say("bob:hello");
        bob.hears("hello");
        let names = run(Command::new(installed("python"))
            .arg(script("openmetrics.py"))
            .arg(format!("http://{}/metrics", server.address())));
        for name in [
            "switchboard_users gauge",
            "switchboard_messages_delivered counter",
            "switchboard_hub_step_seconds histogram",
            "switchboard_closes counter",
            "switchboard_memory_bound_bytes gauge",
        ] {
            assert!(names.lines().any(|line| line == name), "{name} is not in\n{names}");
        }
    }
}
