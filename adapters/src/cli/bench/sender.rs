//! A thread's messages: when each is sent, and what becomes of those that do not arrive.

use std::{collections::VecDeque, fmt::Write, sync::atomic::Ordering::SeqCst, time::Duration};

use super::{
    clock,
    connection::End,
    ears::Ears,
    flights::SLOTS,
    message::{Kind, STAMP, Stamp},
    plan::{Draft, Length, Pace, share_of},
    recorder,
    shared::Shared,
    worker::User,
};

/// Messages that are sent before the sockets are looked at again.
const AT_ONCE: usize = 128;

pub(super) struct Sender<'a> {
    thread: usize,
    shared: &'a Shared,
    /// The next message, among the thread's own.
    next: u64,
    /// Those that may be on the way, the oldest first, and when they were sent.
    on_the_way: VecDeque<(u64, u64)>,
    /// When the phase began here, and the thread's processor time until then.
    since: Option<(u64, u64)>,
    is_finished: bool,
    to: String,
    frame: Vec<u8>,
    /// Users whose connection turned out to be gone.
    pub(super) broken: Vec<(usize, End)>,
}

impl<'a> Sender<'a> {
    pub(super) fn new(thread: usize, shared: &'a Shared) -> Self {
        Self {
            thread,
            shared,
            next: 0,
            on_the_way: VecDeque::new(),
            since: None,
            is_finished: false,
            to: String::new(),
            frame: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// Sends what is due. Returns how long nothing is, as far as the clock decides.
    pub(super) fn run(
        &mut self,
        now: u64,
        users: &mut [Option<User>],
        ears: &mut Ears<'_>,
    ) -> Option<Duration> {
        let start = self.shared.start.load(SeqCst);
        let plan = &self.shared.plan;
        if self.since.is_none() {
            self.since = Some((now, clock::thread_cpu()));
            if let Pace::InFlight(count) = plan.pace {
                ears.permits += share_of(count, self.thread, plan.threads);
            }
        }
        if self.is_finished {
            return None;
        }
        match plan.pace {
            Pace::Rate(rate) => self.send_at(rate, start, users, ears),
            Pace::InFlight(_) => {
                ears.permits += self.give_up(now);
                self.send_permitted(start, users, ears)
            }
        }
    }

    fn send_at(
        &mut self,
        rate: f64,
        start: u64,
        users: &mut [Option<User>],
        ears: &mut Ears<'_>,
    ) -> Option<Duration> {
        for _ in 0..AT_ONCE {
            let seq = self.shared.plan.seq(self.thread, self.next);
            let Some(due) = self.shared.plan.due(rate, seq) else {
                self.finish(ears);
                return None;
            };
            let now = self.shared.clock.now();
            let wait = (start + due).saturating_sub(now);
            if wait > 0 {
                return Some(Duration::from_nanos(wait));
            }
            let is_measured = due >= self.shared.plan.warmup;
            if is_measured {
                recorder::record(&mut ears.recorder.delay, now - start - due);
            }
            self.send(seq, start + due, is_measured, users, ears);
        }
        Some(Duration::ZERO)
    }

    fn send_permitted(
        &mut self,
        start: u64,
        users: &mut [Option<User>],
        ears: &mut Ears<'_>,
    ) -> Option<Duration> {
        let plan = &self.shared.plan;
        for _ in 0..AT_ONCE {
            let now = self.shared.clock.now();
            let is_measured = now >= start + plan.warmup;
            // Known without a permit, too: others may have sent the last message.
            let is_over = match plan.length {
                Length::Time(time) => now >= start + plan.warmup + time,
                Length::Messages(count) => self.shared.drawn.load(SeqCst) >= count,
            };
            if is_over {
                self.finish(ears);
                return None;
            }
            if ears.permits == 0 {
                return None;
            }
            if is_measured
                && let Length::Messages(count) = plan.length
                && self.shared.drawn.fetch_add(1, SeqCst) >= count
            {
                continue;
            }
            ears.permits -= 1;
            let seq = plan.seq(self.thread, self.next);
            self.on_the_way.push_back((seq, now));
            self.send(seq, now, is_measured, users, ears);
            if self.is_finished {
                return None;
            }
        }
        Some(Duration::ZERO)
    }

    fn send(
        &mut self,
        seq: u64,
        due: u64,
        is_measured: bool,
        users: &mut [Option<User>],
        ears: &mut Ears<'_>,
    ) {
        let shared = self.shared;
        let Draft { sender, recipient, kind } = shared.plan.draft(seq);
        let sender = shared.alive_from(sender, shared.plan.threads);
        let (Some(sender), Some(recipient)) = (sender, shared.alive_from(recipient, 1)) else {
            return self.finish(ears);
        };
        let Some(Some(user)) = users.get_mut(sender / shared.plan.threads) else { return };
        self.to.clear();
        let recipients = match kind {
            Kind::Unicast => {
                write!(self.to, "{}{recipient}:", shared.prefix).expect("memory");
                1
            }
            Kind::Broadcast => {
                self.to.push_str("all:");
                shared.alive_count.load(SeqCst)
            }
        };
        self.next += 1;
        shared.flights.start(seq, recipients);
        if is_measured {
            let deliveries = ears.recorder.of(kind);
            deliveries.sent += 1;
            deliveries.expected += recipients as u64;
            ears.sent.count += 1;
            ears.recorder.last_sent = due;
            ears.expected.count += recipients as u64;
        }
        ears.recorder.handled += 1;
        let stamp = Stamp { kind, is_measured, seq, due };
        let size = self.to.len() + shared.size;
        let said = user.connection.say(size, &mut self.frame, |out| {
            out.extend_from_slice(self.to.as_bytes());
            stamp.write(shared.run, out);
            out.resize(out.len() + shared.size - STAMP, b'x');
        });
        if let Err(end) = said {
            // Nobody shall send over it again.
            shared.set_alive(sender, false);
            self.broken.push((sender, end));
        }
    }

    /// Waits no longer for messages that take too long. Returns how many.
    fn give_up(&mut self, now: u64) -> usize {
        let flights = &self.shared.flights;
        let mut given_up = 0;
        while let Some((seq, sent)) = self.on_the_way.front().copied() {
            let is_over = now.saturating_sub(sent) >= self.shared.timeout
                || self.on_the_way.len() as u64 >= SLOTS;
            if !flights.is_complete(seq) && !is_over {
                break;
            }
            given_up += usize::from(flights.give_up(seq));
            self.on_the_way.pop_front();
        }
        given_up
    }

    /// Sends no more.
    pub(super) fn finish(&mut self, ears: &mut Ears<'_>) {
        if self.is_finished {
            return;
        }
        self.is_finished = true;
        let now = self.shared.clock.now();
        if let Length::Time(_) = self.shared.plan.length {
            ears.recorder.last_sent = now;
        }
        if let Some((since, cpu)) = self.since {
            let share = (clock::thread_cpu() - cpu) as f64 / (now - since).max(1) as f64;
            ears.recorder.busiest = share;
        }
        ears.publish();
        self.shared.finished.fetch_add(1, SeqCst);
        self.shared.conductor.unpark();
    }
}
