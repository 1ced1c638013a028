//! A report for people.

use std::fmt::{self, Display};

use super::report::{Counted, Figures, Percentiles, Problem, Report, time};

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (users, threads) = (count(self.users as u64), plural(self.threads as u64, "thread"));
        writeln!(f, "{}: {users} users, {threads}, {}", self.url, self.load())?;
        if self.interrupted {
            writeln!(f, "interrupted")?;
        }

        let connect = &self.connect;
        let (logged_in, rate) = (count(connect.logged_in as u64), rate(connect.per_second));
        line(f, "logged in", &format!("{logged_in} in {:.2} s, {rate}", connect.seconds))?;
        times(f, "  each in", connect.latency_us)?;

        let run = &self.run;
        let sent = (count(run.sent), self::rate(run.sent_per_second));
        line(f, "sent", &format!("{} messages, {}", sent.0, sent.1))?;
        let received = (count(run.received), self::rate(run.received_per_second));
        let seconds = run.seconds;
        line(f, "received", &format!("{} in {seconds:.2} s, {}", received.0, received.1))?;
        figures(f, "unicast", &self.unicast)?;
        figures(f, "broadcast", &self.broadcast)?;
        for (name, number) in [("surplus", run.surplus), ("foreign", run.foreign)] {
            if number > 0 {
                line(f, name, &plural(number, "message"))?;
            }
        }
        texts(f, "problems", &self.problems)?;
        for close in &self.closes.each {
            line(f, "closed", &format!("{} × {}", count(close.count), close.code))?;
        }
        texts(f, "broken", &self.breaks)?;

        let bench = &self.bench;
        let share = format!("busiest thread {:.0} %", bench.busiest_thread * 100.0);
        let cpu = format!("{:.2} s CPU", bench.cpu_seconds);
        let each = format!("{:.2} µs a message", bench.cpu_us_per_message);
        line(f, "this tool", &format!("{cpu}, {each}, {share}"))?;
        times(f, "  late by", bench.send_delay_us)?;
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

impl Report {
    fn load(&self) -> String {
        let size = plural(self.message_bytes as u64, "byte");
        let share = match self.broadcast_share * 100.0 {
            0.0 => "unicast".to_owned(),
            100.0 => "broadcast".to_owned(),
            share => format!("{share} % broadcast"),
        };
        match (self.in_flight, self.rate) {
            (_, Some(rate)) => format!("{share}, {rate} messages of {size} a second"),
            (in_flight, None) => {
                let in_flight = plural(in_flight.unwrap_or_default() as u64, "message");
                format!("{share}, {in_flight} of {size} on the way")
            }
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "{name:<11}{text}")
}

fn figures(f: &mut fmt::Formatter<'_>, name: &str, figures: &Figures) -> fmt::Result {
    if figures.sent == 0 {
        return Ok(());
    }
    let (received, expected) = (count(figures.received), count(figures.expected));
    let lost = count(figures.lost);
    line(f, name, &format!("{received} of {expected} deliveries, {lost} lost"))?;
    times(f, "  each in", figures.latency_us)?;
    times(f, "  all in", figures.last_recipient_us)
}

fn times(f: &mut fmt::Formatter<'_>, name: &str, times: Option<Percentiles>) -> fmt::Result {
    let Some(Percentiles { p50, p90, p99, p99_9, max }) = times else { return Ok(()) };
    let columns = [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p99_9), ("max", max)];
    let columns = columns.map(|(name, us)| format!("{name} {:<9}", time(us)));
    line(f, name, columns.join("  ").trim_end())
}

fn texts(f: &mut fmt::Formatter<'_>, name: &str, texts: &Counted<Problem>) -> fmt::Result {
    for Problem { text, count: times } in &texts.each {
        line(f, name, &format!("{} × {}", count(*times), text.escape_debug()))?;
    }
    let others = texts.total - texts.each.iter().map(|problem| problem.count).sum::<u64>();
    if others > 0 { line(f, name, &format!("{} × others", count(others))) } else { Ok(()) }
}

fn rate(per_second: f64) -> String {
    if per_second < 100.0 {
        format!("{per_second:.1} a second")
    } else {
        format!("{} a second", count(per_second.round() as u64))
    }
}

fn plural(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

/// With a comma after thousands.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::{
        plan::{Length, Pace, Plan},
        recorder::Recorder,
        report::Facts,
    };

    const SECOND: u64 = 1_000_000_000;

    fn report(pace: Pace, change: impl FnOnce(&mut Recorder)) -> Report {
        let length = Length::Time(SECOND);
        let plan = Plan { users: 1000, threads: 1, seed: 0, share: 0.01, pace, length, warmup: 0 };
        let mut seen = Recorder::new();
        seen.unicast.sent = 2000;
        seen.unicast.expected = 2000;
        seen.unicast.received = 2000;
        seen.broadcast.sent = 2;
        seen.broadcast.expected = 2000;
        seen.broadcast.received = 2000;
        for us in 1..=100 {
            seen.unicast.each.record(us * 1000).expect("it grows");
        }
        seen.broadcast.last.record(12_345_678).expect("it grows");
        seen.handled = 6002;
        seen.last_sent = 2 * SECOND;
        seen.last_received = 3 * SECOND;
        change(&mut seen);
        let facts = Facts {
            url: "ws://h:80/".to_owned(),
            message_bytes: 64,
            logged_in: 1000,
            connect_time: SECOND / 2,
            measured_from: SECOND,
            cpu: SECOND / 10,
            is_interrupted: false,
        };
        Report::new(&plan, facts, &seen)
    }

    #[test]
    fn a_clean_run() {
        let report = report(Pace::InFlight(8), |_| ());
        assert!(report.is_clean());
        assert_eq!(
            report.to_string(),
            "\
ws://h:80/: 1,000 users, 1 thread, 1 % broadcast, 8 messages of 64 bytes on the way
logged in  1,000 in 0.50 s, 2,000 a second
sent       2,002 messages, 2,002 a second
received   4,000 in 2.00 s, 2,000 a second
unicast    2,000 of 2,000 deliveries, 0 lost
  each in  p50 50 µs      p90 90 µs      p99 99 µs      p99.9 100 µs     max 100 µs
broadcast  2,000 of 2,000 deliveries, 0 lost
  all in   p50 12.35 ms   p90 12.35 ms   p99 12.35 ms   p99.9 12.35 ms   max 12.35 ms
this tool  0.10 s CPU, 16.66 µs a message, busiest thread 0 %
"
        );
    }

    #[test]
    fn what_went_wrong_is_told() {
        let report = report(Pace::Rate(2000.0), |seen| {
            seen.broadcast.received = 1990;
            seen.unicast.surplus = 1;
            seen.problems.count("error: a\nb".to_owned());
            seen.closes.count(1006);
            seen.breaks.count("the server has hung up".to_owned());
            seen.busiest = 0.95;
            seen.delay.record(SECOND / 2).expect("it grows");
        });
        assert!(!report.is_clean());
        let text = report.to_string();
        for line in [
            "broadcast  1,990 of 2,000 deliveries, 10 lost",
            "surplus    1 message",
            "problems   1 × error: a\\nb",
            "closed     1 × 1006",
            "broken     1 × the server has hung up",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
        assert_eq!(report.warnings.len(), 2);
        for warning in &report.warnings {
            assert!(text.contains(warning));
        }
    }

    #[test]
    fn the_json_adds_up() {
        let report = report(Pace::InFlight(8), |seen| seen.unicast.received = 1);
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["run"]["lost"], 1999);
        assert_eq!(json["unicast"]["latency_us"]["p99"], 99.0);
        assert_eq!(json["unicast"]["last_recipient_us"], serde_json::Value::Null);
        assert_eq!(json["broadcast"]["last_recipient_us"]["p50"], 12353.5);
        assert_eq!((&json["in_flight"], &json["rate"]), (&8.into(), &serde_json::Value::Null));
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let times = [0.4, 999.4, 999.6, 99_990.0, 100_000.0, 1e6].map(time);
        assert_eq!(times, ["0 µs", "999 µs", "1.00 ms", "99.99 ms", "100 ms", "1.00 s"]);
    }
}
