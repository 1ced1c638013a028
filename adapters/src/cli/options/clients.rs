//! How clients are treated.

use std::time::Duration;

use clap::{Args, ValueEnum};
use switchboard_core::{DuplicateUid, Heartbeat, SlowReader};

use crate::{Settings, cli::values};

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

    /// How long a client may be silent before it is pinged; each has its own share, from half of
    /// this to all of it. 0: never
    #[arg(long, value_name = "TIME", default_value = "25", value_parser = values::duration_or_zero)]
    ping_interval: Duration,

    /// How long a client may take to give a sign of life after a ping, before it is closed with 4003
    #[arg(long, value_name = "TIME", default_value = "20", value_parser = values::duration)]
    ping_timeout: Duration,

    /// How long a client may read nothing of what it has to read, before it is closed with 4002; it
    /// has up to twice as long. 0: for ever
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = values::duration_or_zero)]
    stall_timeout: Duration,

    /// The time over which clients are closed when the server stops
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = values::duration_or_zero)]
    drain: Duration,
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
    pub(super) fn set(&self, settings: &mut Settings) {
        settings.drain = self.drain;
        let hub = &mut settings.hub;
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
        let (interval, timeout) = (self.ping_interval, self.ping_timeout);
        hub.heartbeat = Some(Heartbeat { interval, timeout }).filter(|_| !interval.is_zero());
        hub.stall_timeout = Some(self.stall_timeout).filter(|timeout| !timeout.is_zero());
    }
}
