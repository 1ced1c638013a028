//! The recording.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use switchboard_trace::Bodies;

use crate::{
    cli::values,
    record::{Recorder, Rotation},
};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Recording")]
pub(in crate::cli) struct RecordOptions {
    /// Write down all that happens, for switchboard replay and explain. A file that is there is kept,
    /// under a name with .1 behind it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// How large the recording may become before it goes on in a new file, plain or with a unit, 1GiB. The
    /// file before is kept
    #[arg(long, value_name = "BYTES", default_value = "1GiB", value_parser = size)]
    record_limit: u64,

    /// How many files are kept that were there before, from .1, the newest, to .4
    #[arg(long, value_name = "COUNT", default_value = "4", value_parser = keep)]
    record_keep: u32,

    /// What the recording has of messages
    #[arg(long, value_name = "WHAT", default_value = "hashed")]
    record_messages: Messages,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Messages {
    /// Their sizes and hashes: it can be replayed, and does not tell what was said. What can be guessed
    /// can be found by its hash
    Hashed,
    /// All of them, but for credentials
    Whole,
}

impl RecordOptions {
    /// Begins the recording, if there is to be one.
    ///
    /// # Errors
    /// It cannot be written; in a line.
    pub(in crate::cli) fn start(&self) -> Result<Option<Recorder>, String> {
        let Some(path) = &self.record else { return Ok(None) };
        let bodies = match self.record_messages {
            Messages::Hashed => Bodies::Hashed,
            Messages::Whole => Bodies::Whole,
        };
        let rotation = Rotation { limit: self.record_limit, keep: self.record_keep };
        let recorder = Recorder::start(path, rotation, bodies);
        recorder.map(Some).map_err(|error| format!("record {}: {error}", path.display()))
    }
}

fn size(value: &str) -> Result<u64, String> {
    values::bytes(value, 1 << 20..=1 << 40)
}

fn keep(value: &str) -> Result<u32, String> {
    values::count(value, 1..=1000)
}
