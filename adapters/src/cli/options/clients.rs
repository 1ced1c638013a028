//! How clients are treated.

use std::time::Duration;

use clap::{Args, ValueEnum};
use switchboard_core::{Config, DuplicateUid, SlowReader};

use crate::cli::values;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Clients")]
pub(in crate::cli) struct ClientOptions {
    /// What becomes of a second login with the same uid
    #[arg(long, value_name = "POLICY", default_value = "replace")]
    duplicate_uid: DuplicateUidOption,

    /// What becomes of a client that reads so slowly that it misses messages
    #[arg(long, value_name = "POLICY", default_value = "gap")]
    slow_reader: SlowReaderOption,

    /// How long a client may take to log in, from its connecting on: seconds, or with a unit, 500ms
    #[arg(long, value_name = "TIME", default_value = "10", value_parser = values::duration)]
    login_timeout: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DuplicateUidOption {
    /// The older connection is closed with 4001
    Replace,
    /// Both stay and receive
    Share,
    /// The newer login gets an error
    Reject,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SlowReaderOption {
    /// It is told how many it has missed
    Gap,
    /// It is closed with 4002
    Close,
}

impl ClientOptions {
    pub(super) fn set(&self, hub: &mut Config) {
        hub.duplicate_uid = match self.duplicate_uid {
            DuplicateUidOption::Replace => DuplicateUid::Replace,
            DuplicateUidOption::Share => DuplicateUid::Share,
            DuplicateUidOption::Reject => DuplicateUid::Reject,
        };
        hub.slow_reader = match self.slow_reader {
            SlowReaderOption::Gap => SlowReader::Gap,
            SlowReaderOption::Close => SlowReader::Close,
        };
        hub.login_timeout = self.login_timeout;
    }
}
