//! `GET /healthz` and `GET /readyz`.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    answer::{self, Refusal},
    control::Report,
};

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

/// Whether the server works: what the hub decides is carried out. If not, restart it.
pub(super) fn healthy(report: &Report) -> Result<Response<Bytes>, Refusal> {
    if report.is_lively {
        Ok(answer::json(StatusCode::OK, &Status { status: "ok" }))
    } else {
        Err(Refusal::unavailable("the routing loop does not answer"))
    }
}

/// Whether the server takes further clients. If not, send them elsewhere.
pub(super) fn ready(report: &Report) -> Result<Response<Bytes>, Refusal> {
    if report.is_stopping {
        return Err(Refusal::unavailable("the server is stopping"));
    }
    if report.stats.connections >= report.max_connections {
        return Err(Refusal::unavailable("there are as many connections as there may be"));
    }
    healthy(report)
}
