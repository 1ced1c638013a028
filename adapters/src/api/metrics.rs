//! `GET /metrics`: the server's figures for Prometheus (the OpenMetrics text format).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use prometheus_client::{
    encoding::text,
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::{Metric, Registry, Unit},
};
use switchboard_core::Instant;

use super::{answer, control::Report};
use crate::observe::Queue;

type Label = (&'static str, &'static str);

/// What is counted outside of the hub. A clone counts in the same place.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    steps: Histogram,
    requests: Family<[(&'static str, String); 2], Counter>,
}

impl Default for Meters {
    fn default() -> Self {
        // From a microsecond on; a step that takes a millisecond holds up everybody.
        let bounds = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];
        Self { steps: Histogram::new(bounds), requests: Family::default() }
    }
}

impl Meters {
    /// The hub was held for so long.
    pub(crate) fn step(&self, took: Duration) {
        self.steps.observe(took.as_secs_f64());
    }

    /// A request was answered.
    pub(super) fn request(&self, route: &'static str, status: StatusCode) {
        let labels = [("route", route.to_owned()), ("code", status.as_u16().to_string())];
        self.requests.get_or_create(&labels).inc();
    }
}

/// What is told beside the meters.
pub(super) struct Scrape<'a> {
    pub(super) report: &'a Report,
    pub(super) memory_bound: u128,
    pub(super) webhooks: Option<Queue>,
}

pub(super) fn get(meters: &Meters, scrape: &Scrape<'_>) -> Response<Bytes> {
    let mut text = String::new();
    // Writing to memory does not fail.
    let _ = text::encode(&mut text, &registry(meters, scrape));
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer::content(StatusCode::OK, content_type, text)
}

fn registry(meters: &Meters, scrape: &Scrape<'_>) -> Registry {
    let mut metrics = Metrics(Registry::with_prefix("switchboard"));
    let report = scrape.report;
    let stats = &report.stats;
    let up = report.now.saturating_since(Instant::ZERO);
    metrics.seconds("uptime", "Time since the start", up);
    metrics.gauge("connections", "Connections, logged in or not", stats.connections);
    metrics.gauge("max_connections", "Connections that there may be", report.max_connections);
    metrics.gauge("logged_in", "Connections that are logged in", stats.logged_in);
    metrics.gauge("users", "Uids that are online or have messages left to read", stats.users);
    metrics.gauge("groups", "Groups with members or messages left to read", stats.groups);
    metrics.counter("messages_accepted", "Messages taken", stats.accepted);
    metrics.counter("messages_delivered", "Messages handed out, by recipient", stats.delivered);
    metrics.counter("messages_missed", "Messages that slow readers missed", stats.missed);
    metrics.bytes_counter("received", "Bytes of messages that came in", stats.received_bytes);
    metrics.bytes_counter("delivered", "Bytes of messages handed out", stats.delivered_bytes);
    metrics.bytes("payload", "Bytes of messages that wait to be read", stats.payload_bytes as f64);
    let bound = scrape.memory_bound as f64;
    metrics.bytes("memory_bound", "The most that messages and buffers can take", bound);
    let oldest = stats.oldest_to_everyone.unwrap_or_default();
    let help = "Age of the oldest message to everybody that somebody has yet to read";
    metrics.seconds("oldest_to_everyone", help, oldest);
    metrics.gauge("wakes", "Posts and connections whose turn to be told is to come", stats.wakes);
    metrics.counter("pings", "Pings sent", stats.pings);
    metrics.counter("refused", "Connections refused", stats.refused);
    metrics.counter("stale", "Events that came too late for their connection", stats.stale);
    let closes: Family<[Label; 1], Counter> = Family::default();
    for (reason, count) in stats.closed.iter() {
        closes.get_or_create(&[("reason", reason)]).inc_by(count);
    }
    metrics.0.register("closes", "Connections closed, by reason", closes);
    let help = "Time for which the hub was locked, in one go";
    metrics.0.register_with_unit("hub_step", help, Unit::Seconds, meters.steps.clone());
    let help = "HTTP requests, by route and status";
    metrics.0.register("http_requests", help, meters.requests.clone());
    if let Some(queue) = scrape.webhooks {
        metrics.gauge("webhook_queue", "Events that wait for the webhook", queue.waiting);
        let oldest = queue.oldest.unwrap_or_default();
        metrics.seconds("webhook_oldest", "Age of the oldest event that waits", oldest);
        metrics.counter("webhook_delivered", "Events that the webhook took", queue.delivered);
        metrics.counter("webhook_dropped", "Events for which the queue was full", queue.dropped);
        metrics.counter("webhook_failures", "Attempts to deliver that failed", queue.failures);
    }
    metrics.0
}

struct Metrics(Registry);

impl Metrics {
    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.add(name, help, ConstGauge::new(value as i64));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, help, ConstCounter::new(value));
    }

    fn seconds(&mut self, name: &str, help: &str, value: Duration) {
        let gauge = ConstGauge::new(value.as_secs_f64());
        self.0.register_with_unit(name, help, Unit::Seconds, gauge);
    }

    fn bytes(&mut self, name: &str, help: &str, value: f64) {
        self.0.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(value));
    }

    fn bytes_counter(&mut self, name: &str, help: &str, value: u64) {
        self.0.register_with_unit(name, help, Unit::Bytes, ConstCounter::new(value));
    }

    fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.0.register(name, help, metric);
    }
}
