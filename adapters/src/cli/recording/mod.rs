//! `switchboard replay` and `switchboard explain`: what can be had from a recording.

mod explain;
mod pieces;
mod replay;

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use switchboard_trace::{Observer, Replay};

pub(in crate::cli) use explain::Arguments as ExplainArguments;
use pieces::Pieces;
pub(in crate::cli) use replay::Arguments as ReplayArguments;

pub(in crate::cli) fn replay(arguments: &ReplayArguments) -> ExitCode {
    exit_code(replay::run(arguments))
}

pub(in crate::cli) fn explain(arguments: &ExplainArguments) -> ExitCode {
    exit_code(explain::run(arguments))
}

/// Whether it was had in full.
fn exit_code(outcome: Result<bool, String>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("switchboard: {error}");
            ExitCode::from(2)
        }
    }
}

/// Replays a file as far as it goes. Returns what it stopped at, too.
fn play(path: &Path, observer: &mut impl Observer) -> Result<(Replay, Option<String>), String> {
    let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| in_file(&error))?;
    let played = Pieces::new(file).play(observer).map_err(|error| in_file(&error));
    played.map(|(replay, stopped)| (replay, stopped.map(|error| in_file(&error))))
}

fn print(text: &str) -> Result<(), String> {
    let printed = io::stdout().write_all(text.as_bytes());
    printed.map_err(|error| format!("cannot write to standard output: {error}"))
}
