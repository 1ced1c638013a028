//! `switchboard send` and `switchboard status`: the HTTP API for a person at a terminal.

mod api;
mod send;
mod status;

use std::{
    io::{self, Write},
    process::ExitCode,
};

pub(in crate::cli) use send::Arguments as SendArguments;
pub(in crate::cli) use status::Arguments as StatusArguments;

/// What came of a command.
enum Outcome {
    /// All that was asked for.
    Done,
    /// Less than that.
    Partly,
}

pub(in crate::cli) fn send(arguments: &SendArguments) -> ExitCode {
    exit_code(send::run(arguments))
}

pub(in crate::cli) fn status(arguments: &StatusArguments) -> ExitCode {
    exit_code(status::run(arguments))
}

fn exit_code(outcome: Result<Outcome, String>) -> ExitCode {
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Partly) => ExitCode::from(1),
        Err(error) => {
            eprintln!("switchboard: {error}");
            ExitCode::from(2)
        }
    }
}

fn print(text: &str) -> Result<(), String> {
    let printed = io::stdout().write_all(text.as_bytes());
    printed.map_err(|error| format!("cannot write to standard output: {error}"))
}
