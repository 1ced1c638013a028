//! `/v1/users`: who is online.

use bytes::Bytes;
use http::{Response, StatusCode, Uri};
use serde::Serialize;
use switchboard_core::{Instant, Kick, Name, Problem};

use super::{
    answer::{self, Refusal},
    control::Control,
    query,
};

/// Users on a page.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

#[derive(Serialize)]
struct Page<'a> {
    users: Vec<OnPage<'a>>,
    /// The cursor of the next page, if there may be one.
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct OnPage<'a> {
    uid: &'a str,
    connections: usize,
}

/// `GET /v1/users?cursor=&limit=`
pub(super) fn list(uri: &Uri, control: &dyn Control) -> Result<Response<Bytes>, Refusal> {
    let [cursor, limit] = query::read(uri, ["cursor", "limit"])?;
    let limit = match limit {
        None => DEFAULT_LIMIT,
        Some(limit) => {
            limit.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                let expected = format!("limit: expected 1 to {MAX_LIMIT}, not '{limit}'");
                Refusal::bad_request(expected)
            })?
        }
    };
    let users = control.users(cursor.as_deref(), limit);
    let next = users.last().filter(|_| users.len() == limit).map(|(uid, _)| uid.as_str());
    let on_page = users.iter().map(|(uid, connections)| OnPage { uid, connections: *connections });
    Ok(answer::json(StatusCode::OK, &Page { users: on_page.collect(), next }))
}

#[derive(Serialize)]
struct Online<'a> {
    uid: &'a str,
    connections: Vec<Connection>,
}

#[derive(Serialize)]
struct Connection {
    generation: u64,
    online_seconds: f64,
    idle_seconds: f64,
}

/// `GET /v1/users/{uid}`
pub(super) fn get(uid: &str, control: &dyn Control) -> Result<Response<Bytes>, Refusal> {
    let (sessions, now) = control.sessions(name(uid)?);
    if sessions.is_empty() {
        return Err(not_online(uid));
    }
    let seconds = |since: Instant| now.saturating_since(since).as_secs_f64();
    let connections = sessions.iter().map(|session| Connection {
        generation: session.generation,
        online_seconds: seconds(session.since),
        idle_seconds: seconds(session.heard),
    });
    let online = Online { uid, connections: connections.collect() };
    Ok(answer::json(StatusCode::OK, &online))
}

#[derive(Serialize)]
struct Kicked<'a> {
    uid: &'a str,
    closed: usize,
}

/// `DELETE /v1/users/{uid}?code=&reason=`
pub(super) fn kick(
    uid: &str,
    uri: &Uri,
    control: &dyn Control,
) -> Result<Response<Bytes>, Refusal> {
    let [code, reason] = query::read(uri, ["code", "reason"])?;
    let default = Kick::default();
    let code = match code {
        None => default.code(),
        Some(code) => code.parse().map_err(|_| {
            Refusal::bad_request(format!("code: expected 1000 or 3000 to 4999, not '{code}'"))
        })?,
    };
    let reason = reason.as_deref().unwrap_or(default.reason());
    let kick = Kick::new(code, reason).map_err(|error| Refusal::bad_request(error.to_string()))?;
    match control.kick(name(uid)?, &kick) {
        0 => Err(not_online(uid)),
        closed => Ok(answer::json(StatusCode::OK, &Kicked { uid, closed })),
    }
}

fn name(uid: &str) -> Result<Name<'_>, Refusal> {
    Name::new(uid).map_err(|error| Refusal::bad_request(error.to_string()))
}

fn not_online(uid: &str) -> Refusal {
    Refusal::not_found(Problem::NotOnline(uid.into()).to_string())
}
