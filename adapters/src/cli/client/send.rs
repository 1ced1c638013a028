//! `switchboard send`

use std::{
    fmt::Write,
    io::{self, BufRead},
};

use clap::Args;
use serde_json::{Value, json};

use super::{
    Outcome,
    api::{Access, Api},
    print,
};

#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// A uid, or all for everybody; may be given more than once
    #[arg(long, value_name = "UID", required = true)]
    to: Vec<String>,

    /// The message; without it, each line of the standard input is one
    message: Option<String>,

    #[command(flatten)]
    access: Access,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, String> {
    let api = Api::new(&arguments.access)?;
    if let Some(message) = &arguments.message {
        return send(&api, &arguments.to, message);
    }
    let mut outcome = Outcome::Done;
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| format!("cannot read the standard input: {error}"))?;
        if let Outcome::Partly = send(&api, &arguments.to, &line)? {
            outcome = Outcome::Partly;
        }
    }
    Ok(outcome)
}

fn send(api: &Api, to: &[String], message: &str) -> Result<Outcome, String> {
    let answer = api.post("/v1/push", &json!({"to": to, "message": message}))?;
    let (text, outcome) = report(&answer.body).ok_or("the server's answer makes no sense")?;
    print(&text)?;
    Ok(outcome)
}

/// A line for each recipient, and whether all were reached.
fn report(body: &Value) -> Option<(String, Outcome)> {
    let mut text = String::new();
    let mut outcome = Outcome::Done;
    for recipient in body["recipients"].as_array()? {
        let (to, connections) = (recipient["to"].as_str()?, recipient["connections"].as_u64()?);
        let told = match connections {
            0 => recipient["error"].as_str().unwrap_or("nobody is online").to_owned(),
            1 => format!("{to}: 1 connection"),
            connections => format!("{to}: {connections} connections"),
        };
        if connections == 0 {
            outcome = Outcome::Partly;
        }
        // Writing to memory does not fail.
        let _ = writeln!(text, "{told}");
    }
    Some((text, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_has_a_line() {
        let body = json!({"recipients": [
            {"to": "bob", "connections": 1},
            {"to": "eve", "connections": 2},
            {"to": "carol", "connections": 0, "error": "carol is not online"},
            {"to": "all", "connections": 0},
        ]});
        let (text, outcome) = report(&body).unwrap();
        let expected =
            "bob: 1 connection\neve: 2 connections\ncarol is not online\nnobody is online\n";
        assert_eq!(text, expected);
        assert!(matches!(outcome, Outcome::Partly));
        let reached = json!({"recipients": [{"to": "bob", "connections": 1}]});
        assert!(matches!(report(&reached), Some((_, Outcome::Done))));
        assert!(report(&Value::Null).is_none());
    }
}
