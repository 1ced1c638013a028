//! What a run has shown: for people, and as JSON.

use serde::Serialize;

use super::{
    clock::seconds,
    plan::{Pace, Plan},
    recorder::{Deliveries, Recorder, Times},
};

/// The report. Its JSON has these names; times are in microseconds if they say so.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) url: String,
    pub(super) users: usize,
    pub(super) threads: usize,
    pub(super) message_bytes: usize,
    /// Which part of the messages was for everybody.
    pub(super) broadcast_share: f64,
    /// Messages on the way at a time, if that was what was given.
    pub(super) in_flight: Option<usize>,
    /// Messages a second, if that was what was asked for.
    pub(super) rate: Option<f64>,
    /// Whether a signal ended it early.
    pub(super) interrupted: bool,
    pub(super) connect: Connect,
    pub(super) run: Run,
    pub(super) unicast: Figures,
    pub(super) broadcast: Figures,
    pub(super) problems: Counted<Problem>,
    pub(super) closes: Counted<Close>,
    pub(super) breaks: Counted<Problem>,
    pub(super) bench: Bench,
    pub(super) warnings: Vec<String>,
}

/// Connecting and logging in.
#[derive(Debug, Serialize)]
pub(super) struct Connect {
    pub(super) logged_in: usize,
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    pub(super) latency_us: Option<Percentiles>,
}

/// All messages together.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    /// From the first message that counts to the last delivery.
    pub(super) seconds: f64,
    pub(super) sent: u64,
    pub(super) sent_per_second: f64,
    pub(super) expected: u64,
    pub(super) received: u64,
    pub(super) received_per_second: f64,
    pub(super) lost: u64,
    /// Deliveries beyond those that were expected.
    pub(super) surplus: u64,
    /// Texts that are none of this run's.
    pub(super) foreign: u64,
}

/// One kind of messages.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) sent: u64,
    pub(super) expected: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Of each delivery.
    pub(super) latency_us: Option<Percentiles>,
    /// Until the last recipient had it.
    pub(super) last_recipient_us: Option<Percentiles>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p99_9: f64,
    pub(super) max: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Counted<T> {
    pub(super) total: u64,
    /// The most frequent first; of many, some are only in the total.
    pub(super) each: Vec<T>,
}

#[derive(Debug, Serialize)]
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) count: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Close {
    /// 1005 if the close frame had none, 1006 if there was no close frame.
    pub(super) code: u16,
    pub(super) count: u64,
}

/// What the tool itself took, from the first message on.
#[derive(Debug, Serialize)]
pub(super) struct Bench {
    pub(super) cpu_seconds: f64,
    /// For each message that was sent or received.
    pub(super) cpu_us_per_message: f64,
    /// Processor time of the busiest thread while it was sending, as a part of that time.
    pub(super) busiest_thread: f64,
    /// How much later than due messages were sent, at a rate.
    pub(super) send_delay_us: Option<Percentiles>,
}

/// What a report is made from, besides what the threads recorded. Times in nanoseconds.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) url: String,
    pub(super) message_bytes: usize,
    pub(super) logged_in: usize,
    pub(super) connect_time: u64,
    /// When the first message that counts could be sent.
    pub(super) measured_from: u64,
    pub(super) cpu: u64,
    pub(super) is_interrupted: bool,
}

impl Report {
    pub(super) fn new(plan: &Plan, facts: Facts, seen: &Recorder) -> Self {
        let (in_flight, rate) = match plan.pace {
            Pace::InFlight(count) => (Some(count), None),
            Pace::Rate(rate) => (None, Some(rate)),
        };
        let connect_seconds = seconds(facts.connect_time);
        let mut report = Self {
            url: facts.url,
            users: plan.users,
            threads: plan.threads,
            message_bytes: facts.message_bytes,
            broadcast_share: plan.share,
            in_flight,
            rate,
            interrupted: facts.is_interrupted,
            connect: Connect {
                logged_in: facts.logged_in,
                seconds: round(connect_seconds),
                per_second: per(facts.logged_in as f64, connect_seconds),
                latency_us: percentiles(&seen.connect),
            },
            run: run(seen, facts.measured_from),
            unicast: figures(&seen.unicast, false),
            broadcast: figures(&seen.broadcast, true),
            problems: problems(seen.problems.total(), seen.problems.each()),
            closes: Counted {
                total: seen.closes.total(),
                each: seen
                    .closes
                    .each()
                    .into_iter()
                    .map(|(code, count)| Close { code, count })
                    .collect(),
            },
            breaks: problems(seen.breaks.total(), seen.breaks.each()),
            bench: Bench {
                cpu_seconds: round(seconds(facts.cpu)),
                cpu_us_per_message: per(facts.cpu as f64 / 1e3, seen.handled as f64),
                busiest_thread: round(seen.busiest),
                send_delay_us: percentiles(&seen.delay),
            },
            warnings: Vec::new(),
        };
        report.warnings = report.find_warnings();
        report
    }

    /// Whether everything that was sent arrived, once, and nobody complained.
    pub(super) fn is_clean(&self) -> bool {
        self.run.lost == 0
            && self.run.surplus == 0
            && self.problems.total == 0
            && self.closes.total == 0
    }

    fn find_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let busy = self.bench.busiest_thread;
        if busy > 0.9 {
            warnings.push(format!(
                "this tool used {:.0} % of a thread: it may be what was slow; try more --threads",
                busy * 100.0
            ));
        }
        if let Some(delay) = self.bench.send_delay_us
            && delay.p99 > LATE
        {
            warnings.push(format!(
                "1 % of the messages were sent {} or more after they were due: this tool, or its \
                 machine, could not keep up; try more --threads, or a lower --rate",
                time(delay.p99)
            ));
        }
        if self.run.sent == 0 {
            warnings.push("no message was sent that counts".to_owned());
        }
        warnings
    }
}

/// Microseconds.
const LATE: f64 = 5000.0;

fn run(seen: &Recorder, from: u64) -> Run {
    let (unicast, broadcast) = (&seen.unicast, &seen.broadcast);
    let sent = unicast.sent + broadcast.sent;
    let received = unicast.received + broadcast.received;
    let sending = seconds(seen.last_sent.saturating_sub(from));
    let time = seconds(seen.last_received.max(seen.last_sent).saturating_sub(from));
    Run {
        seconds: round(time),
        sent,
        sent_per_second: per(sent as f64, sending),
        expected: unicast.expected + broadcast.expected,
        received,
        received_per_second: per(received as f64, time),
        lost: unicast.lost() + broadcast.lost(),
        surplus: unicast.surplus + broadcast.surplus,
        foreign: seen.foreign,
    }
}

fn figures(seen: &Deliveries, has_several: bool) -> Figures {
    Figures {
        sent: seen.sent,
        expected: seen.expected,
        received: seen.received,
        lost: seen.lost(),
        latency_us: percentiles(&seen.each),
        last_recipient_us: percentiles(&seen.last).filter(|_| has_several),
    }
}

fn problems(total: u64, each: Vec<(String, u64)>) -> Counted<Problem> {
    let each = each.into_iter().map(|(text, count)| Problem { text, count });
    Counted { total, each: each.collect() }
}

fn percentiles(times: &Times) -> Option<Percentiles> {
    let at = |quantile| (times.value_at_quantile(quantile) as f64 / 100.0).round() / 10.0;
    (!times.is_empty()).then(|| Percentiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p99_9: at(0.999),
        max: at(1.0),
    })
}

fn per(count: f64, time: f64) -> f64 {
    if time > 0.0 { round(count / time) } else { 0.0 }
}

/// To three decimals: more would be noise.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Microseconds, for people.
pub(super) fn time(us: f64) -> String {
    match us {
        ..999.5 => format!("{us:.0} µs"),
        ..99_995.0 => format!("{:.2} ms", us / 1e3),
        ..999_500.0 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}
