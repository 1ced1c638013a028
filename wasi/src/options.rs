//! What the server is told: a few of the flags of `switchboard`, with the same names.

use std::{net::SocketAddr, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser, value_parser};
use switchboard::Settings;
use switchboard_core::DuplicateUid;

/// All that it was told.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) settings: Settings,
    /// Whether the end of the standard input is the signal to stop. WASI has no others.
    pub(crate) stop_at_eof: bool,
}

/// Reads the arguments, or ends the process with what is wrong with them.
pub(crate) fn read() -> Options {
    let matches = command().get_matches();
    let mut settings = Settings::default();
    if let Some(&size) = matches.get_one::<u32>("max-message") {
        settings.max_message = size as usize;
    }
    if let Some(&login_timeout) = matches.get_one::<Duration>("login-timeout") {
        settings.hub.login_timeout = login_timeout;
    }
    settings.hub.duplicate_uid = duplicate_uid(&matches);
    let default = SocketAddr::from(([127, 0, 0, 1], 1234));
    Options {
        listen: matches.get_one("listen").copied().unwrap_or(default),
        settings,
        stop_at_eof: matches.get_flag("stop-at-eof"),
    }
}

fn command() -> Command {
    Command::new("switchboard-wasi")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A push server that reaches people by name")
        .arg(
            flag("listen", "ADDR:PORT", "Where to listen; port 0 is any free one")
                .value_parser(value_parser!(SocketAddr))
                .default_value("127.0.0.1:1234"),
        )
        .arg(
            flag("duplicate-uid", "POLICY", "What becomes of a second login with the same uid")
                .value_parser(PossibleValuesParser::new(["replace", "share", "reject"]))
                .default_value("replace"),
        )
        .arg(
            flag("login-timeout", "SECONDS", "How long a client may take to log in")
                .value_parser(seconds)
                .default_value("10"),
        )
        .arg(
            flag("max-message", "BYTES", "The largest message that a client may send")
                .value_parser(value_parser!(u32).range(1..=64 << 20))
                .default_value("65536"),
        )
        .arg(
            Arg::new("stop-at-eof")
                .long("stop-at-eof")
                .action(ArgAction::SetTrue)
                .help("Close everybody and end when the standard input ends"),
        )
}

fn flag(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn duplicate_uid(matches: &ArgMatches) -> DuplicateUid {
    match matches.get_one::<String>("duplicate-uid").map(String::as_str) {
        Some("share") => DuplicateUid::Share,
        Some("reject") => DuplicateUid::Reject,
        _ => DuplicateUid::Replace,
    }
}

/// A time above zero, of which there may be parts: `0.5`.
fn seconds(value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "expected seconds above 0".into())
}
