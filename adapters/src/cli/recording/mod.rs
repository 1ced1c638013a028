//! `switchboard replay` and `switchboard explain`: what can be had from a recording.

mod explain;
mod replay;

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use switchboard_trace::{Observer, Replay, Trace};

pub(in crate::cli) use explain::Arguments as ExplainArguments;
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
    let file = fs::read(path).map_err(|error| in_file(&error))?;
    let begun = Trace::new(&file).and_then(Trace::replay);
    let (mut replay, blocks) = begun.map_err(|error| in_file(&error))?;
    for block in blocks {
        let played = match block {
            Ok(block) => replay.play(block, observer).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = played {
            return Ok((replay, Some(in_file(&error))));
        }
    }
    Ok((replay, None))
}

fn print(text: &str) -> Result<(), String> {
    let printed = io::stdout().write_all(text.as_bytes());
    printed.map_err(|error| format!("cannot write to standard output: {error}"))
}
