//! `GET /v1/stats`: the server in figures.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::{answer, control::Report};

#[derive(Serialize)]
struct Figures {
    version: &'static str,
    uptime_seconds: f64,
    connections: usize,
    max_connections: usize,
    logged_in: usize,
    users: usize,
    groups: usize,
    messages: Messages,
    received_bytes: u64,
    delivered_bytes: u64,
    payload_bytes: usize,
    memory_bound_bytes: u64,
    oldest_to_everyone_seconds: f64,
    pings: u64,
    refused: u64,
    closed: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Messages {
    accepted: u64,
    delivered: u64,
    missed: u64,
}

pub(super) fn get(report: &Report, memory_bound: u128) -> Response<Bytes> {
    let stats = &report.stats;
    let figures = Figures {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: report.now.saturating_since(switchboard_core::Instant::ZERO).as_secs_f64(),
        connections: stats.connections,
        max_connections: report.max_connections,
        logged_in: stats.logged_in,
        users: stats.users,
        groups: stats.groups,
        messages: Messages {
            accepted: stats.accepted,
            delivered: stats.delivered,
            missed: stats.missed,
        },
        received_bytes: stats.received_bytes,
        delivered_bytes: stats.delivered_bytes,
        payload_bytes: stats.payload_bytes,
        memory_bound_bytes: u64::try_from(memory_bound).unwrap_or(u64::MAX),
        oldest_to_everyone_seconds: stats.oldest_to_everyone.unwrap_or_default().as_secs_f64(),
        pings: stats.pings,
        refused: stats.refused,
        closed: stats.closed.iter().collect(),
    };
    answer::json(StatusCode::OK, &figures)
}
