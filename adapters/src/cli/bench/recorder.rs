//! What a thread has seen. Those of all threads are added up in the end.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::message::Kind;

/// Times, in nanoseconds, to three digits.
pub(super) type Times = Histogram<u64>;

fn times() -> Times {
    Times::new(3).expect("three digits are few enough")
}

pub(super) fn record(times: &mut Times, time: u64) {
    times.record(time).expect("it grows as it needs to");
}

#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) unicast: Deliveries,
    pub(super) broadcast: Deliveries,
    /// From `connect` to the answer to the login.
    pub(super) connect: Times,
    /// How long after it was due a message was sent.
    pub(super) delay: Times,
    /// Lines from the server that begin with `error:`.
    pub(super) problems: Tally<String>,
    /// Connections that ended before they should, by the code of the close frame, 1006 without one.
    pub(super) closes: Tally<u16>,
    /// And why, where there was none.
    pub(super) breaks: Tally<String>,
    /// Texts that are none of this run's.
    pub(super) foreign: u64,
    /// Messages that were sent and received, whether they count or not.
    pub(super) handled: u64,
    /// When the last delivery that counts was, and the last time that one was sent.
    pub(super) last_received: u64,
    pub(super) last_sent: u64,
    /// Processor time of the busiest thread while it was sending, as a part of that time.
    pub(super) busiest: f64,
}

/// What there was of one kind of message.
#[derive(Debug)]
pub(super) struct Deliveries {
    pub(super) sent: u64,
    pub(super) expected: u64,
    pub(super) received: u64,
    pub(super) surplus: u64,
    /// Of each delivery.
    pub(super) each: Times,
    /// Of each message's last delivery.
    pub(super) last: Times,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            unicast: Deliveries::new(),
            broadcast: Deliveries::new(),
            connect: times(),
            delay: times(),
            problems: Tally::new(),
            closes: Tally::new(),
            breaks: Tally::new(),
            foreign: 0,
            handled: 0,
            last_received: 0,
            last_sent: 0,
            busiest: 0.0,
        }
    }

    pub(super) fn of(&mut self, kind: Kind) -> &mut Deliveries {
        match kind {
            Kind::Unicast => &mut self.unicast,
            Kind::Broadcast => &mut self.broadcast,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.unicast.add(&other.unicast);
        self.broadcast.add(&other.broadcast);
        add_times(&mut self.connect, &other.connect);
        add_times(&mut self.delay, &other.delay);
        self.problems.add(&other.problems);
        self.closes.add(&other.closes);
        self.breaks.add(&other.breaks);
        self.foreign += other.foreign;
        self.handled += other.handled;
        self.last_received = self.last_received.max(other.last_received);
        self.last_sent = self.last_sent.max(other.last_sent);
        self.busiest = self.busiest.max(other.busiest);
    }
}

impl Deliveries {
    fn new() -> Self {
        Self { sent: 0, expected: 0, received: 0, surplus: 0, each: times(), last: times() }
    }

    pub(super) fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }

    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.expected += other.expected;
        self.received += other.received;
        self.surplus += other.surplus;
        add_times(&mut self.each, &other.each);
        add_times(&mut self.last, &other.last);
    }
}

fn add_times(to: &mut Times, from: &Times) {
    to.add(from).expect("both grow as they need to");
}

/// How often each of a few things was.
#[derive(Debug)]
pub(super) struct Tally<T> {
    counts: BTreeMap<T, u64>,
    others: u64,
}

/// Things beyond these are only counted.
const MANY: usize = 10;

impl<T: Ord + Clone> Tally<T> {
    fn new() -> Self {
        Self { counts: BTreeMap::new(), others: 0 }
    }

    pub(super) fn count(&mut self, thing: T) {
        self.count_times(thing, 1);
    }

    fn count_times(&mut self, thing: T, times: u64) {
        if self.counts.len() < MANY || self.counts.contains_key(&thing) {
            *self.counts.entry(thing).or_default() += times;
        } else {
            self.others += times;
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.others + self.counts.values().sum::<u64>()
    }

    /// Each, the most frequent first; what is only counted is missing.
    pub(super) fn each(&self) -> Vec<(T, u64)> {
        let mut each: Vec<_> = self.counts.iter().map(|(t, count)| (t.clone(), *count)).collect();
        each.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        each
    }

    fn add(&mut self, other: &Self) {
        for (thing, times) in &other.counts {
            self.count_times(thing.clone(), *times);
        }
        self.others += other.others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_add_up() {
        let [mut a, mut b] = [Recorder::new(), Recorder::new()];
        for (recorder, time) in [(&mut a, 1000), (&mut b, 3000)] {
            let unicast = recorder.of(Kind::Unicast);
            unicast.each.record(time).expect("it grows");
            unicast.expected += 2;
            unicast.received += 1;
            recorder.problems.count("error: x".to_owned());
            recorder.last_received = time;
        }
        a.add(&b);
        assert_eq!((a.unicast.lost(), a.unicast.each.len(), a.last_received), (2, 2, 3000));
        assert_eq!(a.problems.each(), [("error: x".to_owned(), 2)]);
        assert_eq!(a.unicast.each.value_at_quantile(0.5), 1000);
        // To three digits.
        assert!(a.unicast.each.max().abs_diff(3000) < 3);
    }

    #[test]
    fn no_server_fills_the_memory_with_its_complaints() {
        let mut tally = Tally::new();
        (0..100).for_each(|number| tally.count(number));
        tally.count(3);
        assert_eq!((tally.each().len(), tally.total(), tally.each()[0]), (MANY, 101, (3, 2)));
    }
}
