//! What a receiver is told of an event.

use std::time::SystemTime;

use serde::Serialize;
use switchboard_core::{CloseReason, Event, Login};

use super::queue::Batch;

/// A login or a logout. It is made while the hub is locked, and written out later.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    login: Login,
    /// Why it ended, if it did.
    ended: Option<CloseReason>,
    at: SystemTime,
}

impl Notice {
    /// What there is to tell, if there is: who never logged in does not log out.
    pub(super) fn of(event: &Event, at: SystemTime) -> Option<Self> {
        let (login, ended) = match event {
            Event::LoggedIn { login, .. } => (login, None),
            Event::Closed { login, reason, .. } => (login.as_ref()?, Some(reason.clone())),
        };
        Some(Self { login: login.clone(), ended, at })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    instance: &'a str,
    dropped: u64,
    events: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    sequence: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    uid: &'a str,
    generation: u64,
    #[serde(flatten)]
    ended: Option<Ended<'a>>,
    at: String,
}

#[derive(Serialize)]
struct Ended<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    reason: &'static str,
    text: &'a str,
}

/// The body of a request.
pub(super) fn body(instance: &str, batch: &Batch<Notice>) -> Vec<u8> {
    let events = batch.entries.iter().map(|entry| {
        let Notice { login, ended, at } = &entry.item;
        let ended = ended.as_ref().map(|reason| Ended {
            code: reason.code(),
            reason: reason.label(),
            text: reason.text(),
        });
        Told {
            sequence: entry.sequence,
            kind: if ended.is_some() { "logout" } else { "login" },
            uid: &login.uid,
            generation: login.generation,
            ended,
            at: humantime::format_rfc3339_millis(*at).to_string(),
        }
    });
    let body = Body { instance, dropped: batch.dropped, events: events.collect() };
    // Nothing in it has keys that are no strings.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchboard_core::{Hub, Instant, Kick};

    use super::*;
    use crate::webhook::{
        backoff::Backoff,
        queue::{Next, Queue},
    };

    #[test]
    fn what_is_told() {
        let mut hub = Hub::<Vec<u8>>::new(Default::default(), 0, Instant::ZERO);
        let conn = hub.connect(Instant::ZERO, None).expect("room");
        let login = Login { uid: "b\"ob".into(), generation: 7 };
        let closed = |seq, login, reason| Event::Closed { seq, conn, login, reason };
        let kick = Kick::new(4321, "enough").expect("a kick");
        let events = [
            Event::LoggedIn { seq: 7, conn, login: login.clone() },
            closed(8, None, CloseReason::LoginTimeout),
            closed(9, Some(login.clone()), CloseReason::Disconnected),
            closed(10, Some(login), CloseReason::Kicked(kick)),
        ];
        let mut queue = Queue::new(10, 10, Backoff::new(0));
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_409_700_123);
        for notice in events.iter().filter_map(|event| Notice::of(event, at)) {
            queue.offer(Instant::ZERO, notice);
        }
        let Next::Send(batch) = queue.next(Instant::ZERO) else { panic!("nothing to send") };
        let expected = concat!(
            r#"{"instance":"i","dropped":0,"events":["#,
            r#"{"sequence":1,"type":"login","uid":"b\"ob","generation":7,"#,
            r#""at":"2026-11-23T04:55:00.123Z"},"#,
            r#"{"sequence":2,"type":"logout","uid":"b\"ob","generation":7,"#,
            r#""reason":"disconnected","text":"disconnected","at":"2026-11-23T04:55:00.123Z"},"#,
            r#"{"sequence":3,"type":"logout","uid":"b\"ob","generation":7,"code":4321,"#,
            r#""reason":"kicked","text":"enough","at":"2026-11-23T04:55:00.123Z"}]}"#,
        );
        assert_eq!(String::from_utf8(body("i", &batch)).expect("text"), expected);
    }
}
