//! The log, on standard error.
//!
//! A connection's whole life can be followed by one id, `conn`, from debug on. What clients write
//! to each other is in no line above trace.

use std::{
    fmt::Display,
    io::{self, IsTerminal},
};

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logs")]
pub(in crate::cli) struct LogOptions {
    /// What to log to standard error; from debug on, lines for each connection
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = log_levels())]
    log: LevelFilter,

    /// What a line of the log looks like
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// A JSON object with timestamp, level, target, message and more
    Json,
}

fn log_levels() -> impl TypedValueParser<Value = LevelFilter> {
    PossibleValuesParser::new(["off", "error", "warn", "info", "debug", "trace"])
        .try_map(|level| level.parse::<LevelFilter>())
}

impl LogOptions {
    /// Logs what this program says at its level; what its libraries say is for whoever wants it
    /// all.
    pub(in crate::cli) fn start(&self) {
        let level = self.log;
        let libraries =
            if level == LevelFilter::TRACE { level } else { level.min(LevelFilter::WARN) };
        // rustls warns of what any client can send, again and again.
        let tls = if level == LevelFilter::TRACE { level } else { level.min(LevelFilter::ERROR) };
        let targets = Targets::new()
            .with_target("switchboard", level)
            .with_target("rustls", tls)
            .with_default(libraries);
        let lines = fmt::layer().with_writer(io::stderr);
        let lines = match self.log_format {
            LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry().with(lines.with_filter(targets)).init();
    }

    /// Says why the server ends, in the form of the log, for it stands in the same place.
    pub(in crate::cli) fn fail(&self, error: &impl Display) {
        match self.log_format {
            LogFormat::Json if self.log != LevelFilter::OFF => tracing::error!("{error}"),
            _ => eprintln!("switchboard: {error}"),
        }
    }
}
