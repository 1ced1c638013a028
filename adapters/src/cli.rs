//! The command line.

use std::{
    fmt::{self, Display},
    io::{IsTerminal, Write},
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::{
    Parser, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use switchboard_core::{Config, DuplicateUid, SlowReader};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{Listener, Settings, Stop, Stopper, listen};

/// A push server that reaches people by name.
///
/// A client opens a WebSocket, its first message is its uid, and from then on `bob:hello` reaches
/// bob and `all:hello` reaches everybody.
#[derive(Clone, Debug, Parser)]
#[command(name = "switchboard", version)]
pub struct Options {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDR:PORT", env = "SWITCHBOARD_LISTEN")]
    #[arg(default_value = "127.0.0.1:1234")]
    listen: String,

    /// What carries the connections
    #[arg(long, env = "SWITCHBOARD_RUNTIME", default_value = "smol")]
    runtime: Runtime,

    /// What becomes of a second login with the same uid
    #[arg(
        long,
        value_name = "POLICY",
        env = "SWITCHBOARD_DUPLICATE_UID",
        default_value = "replace"
    )]
    duplicate_uid: DuplicateUidOption,

    /// What becomes of a client that reads so slowly that it misses messages
    #[arg(long, value_name = "POLICY", env = "SWITCHBOARD_SLOW_READER", default_value = "gap")]
    slow_reader: SlowReaderOption,

    /// The largest message that a client may send, in bytes; at most 67108864
    #[arg(long, value_name = "BYTES", env = "SWITCHBOARD_MAX_MESSAGE", default_value_t = 65_536)]
    #[arg(value_parser = message_size, allow_negative_numbers = true)]
    max_message: usize,

    /// How long a client may take to log in, from its connecting on
    #[arg(long, value_name = "SECONDS", env = "SWITCHBOARD_LOGIN_TIMEOUT", default_value = "10")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    login_timeout: Duration,

    /// What to log to standard error; from debug on, lines for each connection
    #[arg(long, value_name = "LEVEL", env = "SWITCHBOARD_LOG", default_value = "info")]
    #[arg(value_parser = log_levels())]
    log: LevelFilter,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Runtime {
    /// Tasks on all cores
    #[cfg(feature = "smol")]
    Smol,
    /// Two threads for each connection
    #[cfg(feature = "blocking")]
    Blocking,
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

/// The largest value of `--max-message`: 64 MiB.
const MAX_MESSAGE: usize = 64 << 20;

fn message_size(value: &str) -> Result<usize, String> {
    let size = value.parse().ok().filter(|size| (1..=MAX_MESSAGE).contains(size));
    size.ok_or_else(|| format!("expected a number of bytes from 1 to {MAX_MESSAGE}"))
}

fn log_levels() -> impl TypedValueParser<Value = LevelFilter> {
    PossibleValuesParser::new(["off", "error", "warn", "info", "debug", "trace"])
        .try_map(|level| level.parse::<LevelFilter>())
}

/// More than a year: beyond this, a time limit is none.
const MAX_SECONDS: f64 = 1e8;

fn seconds(value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().filter(|seconds| *seconds <= MAX_SECONDS);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        format!("expected a number of seconds above 0, such as 10 or 0.5, at most {MAX_SECONDS}")
    })
}

/// Runs the server as the command line and the environment say. Returns the process's exit code: 0
/// after an orderly stop, 2 if the server could not start.
pub fn run() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(message) => {
            // `--help` and `--version` are messages too.
            drop(message.print());
            return ExitCode::from(if message.use_stderr() { 2 } else { 0 });
        }
    };
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("switchboard: {error}");
            ExitCode::from(2)
        }
    }
}

fn start(options: &Options) -> Result<(), Error> {
    log_to_stderr(options.log);
    // Each connection takes a file descriptor. What is not allowed cannot be had.
    drop(rlimit::increase_nofile_limit(u64::MAX));

    let listener = listen::bind(&options.listen).map_err(Error::new)?;
    let (stopper, stop) = crate::stop();
    stop_on_signal(stopper).map_err(Error::new)?;
    writeln!(std::io::stdout(), "switchboard listening on {}", listener.url("ws"))
        .map_err(|error| Error(format!("cannot write to standard output: {error}")))?;
    options.serve(listener, &stop)
}

/// Logs what this program says at `level`; what its libraries say is for whoever wants it all.
fn log_to_stderr(level: LevelFilter) {
    let libraries = if level == LevelFilter::TRACE { level } else { level.min(LevelFilter::WARN) };
    let targets = Targets::new().with_target("switchboard", level).with_default(libraries);
    let format = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry().with(format.with_filter(targets)).init();
}

impl Options {
    fn settings(&self) -> Settings {
        let hub = Config {
            duplicate_uid: match self.duplicate_uid {
                DuplicateUidOption::Replace => DuplicateUid::Replace,
                DuplicateUidOption::Share => DuplicateUid::Share,
                DuplicateUidOption::Reject => DuplicateUid::Reject,
            },
            slow_reader: match self.slow_reader {
                SlowReaderOption::Gap => SlowReader::Gap,
                SlowReaderOption::Close => SlowReader::Close,
            },
            login_timeout: self.login_timeout,
            ..Config::default()
        };
        Settings { hub, max_message: self.max_message }
    }

    fn serve(&self, listener: Listener, stop: &Stop) -> Result<(), Error> {
        let settings = self.settings();
        match self.runtime {
            #[cfg(feature = "smol")]
            Runtime::Smol => crate::smol::serve(listener, &settings, stop),
            #[cfg(feature = "blocking")]
            Runtime::Blocking => crate::blocking::serve(listener, &settings, stop),
        }
        .map_err(Error::new)
    }
}

/// Stops the server at the first Ctrl-C or SIGTERM, and the process at the second.
fn stop_on_signal(stopper: Stopper) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                std::process::exit(128 + signal);
            }
            tracing::info!("closing all connections; a second signal ends at once");
            stopper.stop();
        }
    })?;
    Ok(())
}

/// Why the server could not start, in one line.
#[derive(Debug)]
struct Error(String);

impl Error {
    fn new(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
