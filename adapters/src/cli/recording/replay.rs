//! `switchboard replay`

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{play, print};

#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<bool, String> {
    let (replay, stopped) = play(&arguments.file, &mut ())?;
    let took = replay.now().saturating_since(replay.header().start);
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let took = humantime::format_duration(Duration::from_millis(took));
    print(&format!("{replay}lasted     {took}\n"))?;
    match stopped {
        None => Ok(true),
        Some(why) => {
            eprintln!("switchboard: {why}; replayed up to there");
            Ok(false)
        }
    }
}
