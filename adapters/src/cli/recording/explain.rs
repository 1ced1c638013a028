//! `switchboard explain`

use std::{
    fmt::Write,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::Args;
use switchboard_core::{CloseReason, Instant};
use switchboard_trace::{Account, Explain, Fate, Filter, Header, Sender};

use super::{play, print};

#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Who did or did not get it
    #[arg(long)]
    uid: String,

    /// The message, word for word
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,

    /// A part of the message; needs a recording with --record-messages whole
    #[arg(long, value_name = "TEXT", conflicts_with = "message")]
    message_like: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<bool, String> {
    let filter = match (&arguments.message, &arguments.message_like) {
        (Some(text), _) => Filter::Exactly(text.clone()),
        (None, Some(text)) => Filter::Like(text.clone()),
        (None, None) => Filter::Any,
    };
    let uid = &arguments.uid;
    let mut explain = Explain::new(uid, filter);
    let (replay, stopped) = play(&arguments.file, &mut explain)?;
    let has_hashes_only = explain.has_hashes_only();
    let accounts = explain.finish();
    let mut text = String::new();
    for account in &accounts {
        tell(&mut text, replay.header(), uid, account);
    }
    if accounts.is_empty() {
        text = format!("no such message to {uid}, to all or to a group came in\n");
    }
    print(&text)?;
    if let Some(why) = &stopped {
        eprintln!("switchboard: {why}; this is about what was before");
    }
    if accounts.is_empty() && arguments.message_like.is_some() && has_hashes_only {
        eprintln!(
            "switchboard: the recording has only hashes of messages: ask with --message for all of \
             a message, or record with --record-messages whole"
        );
    }
    Ok(!accounts.is_empty() && stopped.is_none())
}

fn tell(text: &mut String, header: &Header, uid: &str, account: &Account) {
    let at = |at| time(header, at);
    let from = match &account.from {
        Sender::Outside => "another system",
        Sender::User(uid) => uid,
        Sender::Nobody => "a client that was not logged in",
    };
    let what = match &account.text {
        Some(text) => format!("{text:?}"),
        None => "a message".to_owned(),
    };
    // Writing to memory does not fail.
    let _ = writeln!(text, "{} {from} sent {what} to {}", at(account.at), account.to);
    for fate in &account.fates {
        let told = match fate {
            Fate::Told { at: when } => {
                let after = when.saturating_since(account.at);
                let after = humantime::format_duration(Duration::from_micros(
                    u64::try_from(after.as_micros()).unwrap_or(u64::MAX),
                ));
                format!("{uid} was given it at {}, {after} later", at(*when))
            }
            Fate::Missed { at: when } => format!(
                "{uid} had fallen too far behind, and was told of a gap in its place at {}",
                at(*when)
            ),
            Fate::Closed { at: when, reason: CloseReason::Replaced } => {
                format!("a newer login took over at {}, before {uid} had read it", at(*when))
            }
            Fate::Closed { at: when, reason } => {
                format!(
                    "{uid}'s connection closed at {}, before it had read it: {reason}",
                    at(*when)
                )
            }
            Fate::Unread => format!("{uid} had not read it when the recording ended"),
            Fate::NotInGroup => format!("{uid} was not in the group"),
            Fate::NotOnline { last: None } => {
                format!("{uid} was not online, and had not been before")
            }
            Fate::NotOnline { last: Some((when, reason)) } => {
                format!(
                    "{uid} was not online: the last connection closed at {}: {reason}",
                    at(*when)
                )
            }
            Fate::Refused { problem: Some(problem) } => {
                format!("it was not taken; the sender was told: {problem}")
            }
            Fate::Refused { problem: None } if account.from == Sender::Outside => {
                "it was not taken; the call was told why".to_owned()
            }
            Fate::Refused { problem: None } => {
                "it was not taken; the sender has not read why".to_owned()
            }
        };
        let _ = writeln!(text, "  {told}");
    }
}

/// The time on the wall (UTC).
fn time(header: &Header, at: Instant) -> String {
    let after = Duration::from_micros(header.started_at) + at.saturating_since(header.start);
    let mut text = String::new();
    let written = SystemTime::UNIX_EPOCH
        .checked_add(after)
        .is_some_and(|time| write!(text, "{}", humantime::format_rfc3339_micros(time)).is_ok());
    // Beyond the year 9999 there is no such format.
    if written { text } else { format!("{after:?} after 1970") }
}

#[cfg(test)]
mod tests {
    use switchboard_core::Config;

    use super::*;

    #[test]
    fn any_time_can_be_told() {
        let config = Config::default();
        let start = Instant::ZERO;
        for (started_at, told) in [
            (1_500_000, "1970-01-01T00:00:01.500000Z"),
            (253_402_300_800_000_000, "253402300800s after 1970"),
            (u64::MAX, "18446744073709.551615s after 1970"),
        ] {
            let header = Header { config: config.clone(), start, started_at, is_continued: false };
            assert_eq!(time(&header, start), told);
        }
    }
}
