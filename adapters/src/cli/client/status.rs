//! `switchboard status`

use std::{fmt::Write, time::Duration};

use clap::Args;
use serde_json::Value;

use super::{
    Outcome,
    api::{Access, Api},
    print,
};

#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    access: Access,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, String> {
    let api = Api::new(&arguments.access)?;
    let stats = api.get("/v1/stats")?.body;
    let ready = api.get("/readyz")?;
    let is_ready = ready.status == 200;
    if arguments.json {
        print(&format!("{stats}\n"))?;
    } else {
        let state = match ready.body["detail"].as_str() {
            _ if is_ready => "ready",
            Some(detail) => detail,
            None => "not ready",
        };
        print(&report(&stats, state).ok_or("the server's answer makes no sense")?)?;
    }
    Ok(if is_ready { Outcome::Done } else { Outcome::Partly })
}

fn report(stats: &Value, state: &str) -> Option<String> {
    let number = |value: &Value| value.as_u64();
    let messages = &stats["messages"];
    // Whole seconds are enough for a person.
    let up = Duration::from_secs(
        Duration::try_from_secs_f64(stats["uptime_seconds"].as_f64()?).ok()?.as_secs(),
    );
    let rows = [
        ("state", state.to_owned()),
        ("version", stats["version"].as_str()?.to_owned()),
        ("up", humantime::format_duration(up).to_string()),
        ("users online", number(&stats["users"])?.to_string()),
        (
            "connections",
            format!(
                "{} of at most {}, {} logged in",
                number(&stats["connections"])?,
                number(&stats["max_connections"])?,
                number(&stats["logged_in"])?,
            ),
        ),
        (
            "messages",
            format!(
                "{} taken, {} delivered, {} missed",
                number(&messages["accepted"])?,
                number(&messages["delivered"])?,
                number(&messages["missed"])?,
            ),
        ),
        ("waiting to be read", bytes(number(&stats["payload_bytes"])?)),
        ("closed", closed(&stats["closed"])?),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        // Writing to memory does not fail.
        let _ = writeln!(text, "{name:20}{value}");
    }
    Some(text)
}

fn bytes(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

/// The reasons for which any were, the most frequent first.
fn closed(closed: &Value) -> Option<String> {
    let mut reasons: Vec<(&str, u64)> = closed
        .as_object()?
        .iter()
        .filter_map(|(reason, count)| Some((reason.as_str(), count.as_u64().filter(|n| *n > 0)?)))
        .collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told =
        reasons.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")));
    let told: Vec<_> = told.collect();
    Some(if told.is_empty() { "none".into() } else { told.join(", ") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_gets_a_line_for_each_figure() {
        let stats = json!({
            "version": "1.2.3", "uptime_seconds": 90061.7, "users": 2, "connections": 4,
            "max_connections": 100, "logged_in": 3, "payload_bytes": 2048,
            "messages": {"accepted": 5, "delivered": 6, "missed": 7},
            "closed": {"replaced": 1, "login_timeout": 3, "kicked": 0},
        });
        let text = report(&stats, "ready").unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "state               ready",
                "version             1.2.3",
                "up                  1day 1h 1m 1s",
                "users online        2",
                "connections         4 of at most 100, 3 logged in",
                "messages            5 taken, 6 delivered, 7 missed",
                "waiting to be read  2.0 KiB",
                "closed              3 login timeout, 1 replaced",
            ]
        );
        assert_eq!(report(&Value::Null, "ready"), None);
        assert_eq!(closed(&json!({"kicked": 0})).as_deref(), Some("none"));
    }
}
