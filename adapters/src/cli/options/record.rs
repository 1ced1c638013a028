//! The recording.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use switchboard_trace::Bodies;

use crate::{cli::values, record::Recorder};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Recording")]
pub(in crate::cli) struct RecordOptions {
    /// Write down all that happens, for switchboard replay and explain. A file that is there is kept
    /// under a name with .1 behind it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// How large the recording may become before it goes on in a new file, plain or with a unit, 1GiB. The
    /// file before is kept under a name with .1 behind it
    #[arg(long, value_name = "BYTES", default_value = "1GiB", value_parser = size)]
    record_limit: usize,

    /// What the recording has of messages
    #[arg(long, value_name = "WHAT", default_value = "hashed")]
    record_messages: Messages,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Messages {
    /// Their sizes and hashes: it can be replayed, and nobody learns what was said
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
        let recorder = Recorder::start(path, self.record_limit as u64, bodies);
        recorder.map(Some).map_err(|error| format!("record {}: {error}", path.display()))
    }
}

fn size(value: &str) -> Result<usize, String> {
    values::bytes(value, 1 << 20..=1 << 50)
}
