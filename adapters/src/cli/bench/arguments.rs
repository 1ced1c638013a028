//! The options of `switchboard bench`.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{message, sources::Source, target::Target};
use crate::cli::values;

#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The server, such as ws://127.0.0.1:1234 or wss://example.com/chat
    #[arg(value_name = "URL", value_parser = Target::parse)]
    pub(super) target: Target,

    /// Connections, each with a uid of its own
    #[arg(long, value_name = "COUNT", default_value = "100", value_parser = users)]
    #[arg(help_heading = "Users")]
    pub(super) users: usize,

    /// What the uids begin with; a number follows [default: bench- and a random number]
    #[arg(long, value_name = "TEXT", value_parser = prefix, help_heading = "Users")]
    pub(super) prefix: Option<String>,

    /// Connections that are begun in a second; without it, as fast as it goes
    #[arg(long, value_name = "RATE", value_parser = rate, help_heading = "Users")]
    pub(super) connect_rate: Option<f64>,

    /// Connections that are begun and not logged in yet, at a time
    #[arg(long, value_name = "COUNT", default_value = "100", value_parser = users)]
    #[arg(help_heading = "Users")]
    pub(super) connect_concurrency: usize,

    /// Local addresses to connect from in turns, for more connections than there are ports:
    /// 10.0.0.5,10.0.0.6 or 127.0.0.2-127.0.0.9
    #[arg(long, value_name = "ADDR", value_delimiter = ',', help_heading = "Users")]
    #[arg(value_parser = Source::parse)]
    pub(super) source: Vec<Source>,

    /// Who is written to
    #[arg(long, default_value = "unicast", help_heading = "Messages")]
    pub(super) mode: Mode,

    /// With --mode mixed: which part of the messages is for everybody [default: 0.01]
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Messages")]
    broadcast_share: Option<f64>,

    /// Messages on the way at a time, in all: when one has arrived, the next is sent
    #[arg(long, value_name = "COUNT", default_value = "32", value_parser = in_flight)]
    #[arg(help_heading = "Messages")]
    pub(super) in_flight: usize,

    /// Messages a second, in all, however long they take. Times are measured from when a message was
    /// due, so that one that could not be sent in time counts as late
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "in_flight")]
    #[arg(help_heading = "Messages")]
    pub(super) rate: Option<f64>,

    /// The size of a message, without whom it is for, in bytes or such as 4KiB
    #[arg(long, value_name = "BYTES", default_value = "64", value_parser = size)]
    #[arg(help_heading = "Messages")]
    pub(super) size: usize,

    /// How long to measure
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    #[arg(help_heading = "Messages")]
    pub(super) duration: Duration,

    /// How many messages to send, however long it takes
    #[arg(long, value_name = "COUNT", conflicts_with = "duration", help_heading = "Messages")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=message::MAX_COUNT))]
    pub(super) messages: Option<u64>,

    /// How long to send messages before, which are not counted
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = warmup)]
    #[arg(help_heading = "Messages")]
    pub(super) warmup: Duration,

    /// How long to wait for a login, or for a message that has not arrived, before it counts as lost
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    #[arg(help_heading = "Messages")]
    pub(super) timeout: Duration,

    /// Trust the certificates of this file (PEM) instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) ca: Option<PathBuf>,

    /// Trust whatever certificate the server shows
    #[arg(long, conflicts_with = "ca", help_heading = "TLS")]
    pub(super) insecure: bool,

    /// Threads, each with a share of the users [default: half of the cores]
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    pub(super) threads: Option<usize>,

    /// Print the report as JSON
    #[arg(long)]
    pub(super) json: bool,

    /// Show no progress
    #[arg(long)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Mode {
    /// Each message is for one user
    Unicast,
    /// Each message is for everybody
    Broadcast,
    /// Some messages are for everybody
    Mixed,
}

impl Arguments {
    /// Which part of the messages is for everybody.
    pub(super) fn share(&self) -> Result<f64, String> {
        match (self.mode, self.broadcast_share) {
            (Mode::Mixed, share) => Ok(share.unwrap_or(0.01)),
            (_, Some(_)) => Err("--broadcast-share goes with --mode mixed only".to_owned()),
            (Mode::Unicast, None) => Ok(0.0),
            (Mode::Broadcast, None) => Ok(1.0),
        }
    }

    /// How many threads there are to be.
    pub(super) fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // The server may need the others.
        self.threads.unwrap_or((cores / 2).max(1)).min(self.users)
    }

    /// The addresses to connect from.
    pub(super) fn sources(&self) -> Vec<IpAddr> {
        self.source.iter().flat_map(Source::addresses).collect()
    }
}

fn users(value: &str) -> Result<usize, String> {
    values::count(value, 1..=10_000_000)
}

fn in_flight(value: &str) -> Result<usize, String> {
    values::count(value, 1..=1_000_000)
}

fn threads(value: &str) -> Result<usize, String> {
    values::count(value, 1..=1024)
}

fn size(value: &str) -> Result<usize, String> {
    values::bytes(value, message::STAMP..=16 << 20)
}

fn rate(value: &str) -> Result<f64, String> {
    let rate = value.parse().ok().filter(|rate: &f64| (0.001..=1e9).contains(rate));
    rate.ok_or_else(|| "expected so many a second, such as 1000 or 0.5".to_owned())
}

fn share(value: &str) -> Result<f64, String> {
    let share = value.parse().ok().filter(|share: &f64| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

fn prefix(value: &str) -> Result<String, String> {
    let is_fit = value.len() <= 100 && !value.contains(|c: char| c == ':' || c.is_control());
    let expected = "expected at most 100 bytes without : and control characters";
    if is_fit { Ok(value.to_owned()) } else { Err(expected.to_owned()) }
}

/// What the time stamps of messages have room for.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

fn duration(value: &str) -> Result<Duration, String> {
    at_most_longest(values::duration(value)?)
}

fn warmup(value: &str) -> Result<Duration, String> {
    at_most_longest(values::duration_or_zero(value)?)
}

fn at_most_longest(time: Duration) -> Result<Duration, String> {
    if time <= LONGEST { Ok(time) } else { Err("expected at most 30 days".to_owned()) }
}
