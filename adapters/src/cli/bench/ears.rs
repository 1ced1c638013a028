//! What a thread does with what its users hear.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

use super::{
    connection::Heard,
    flights::Delivery,
    message::Stamp,
    recorder::{self, Recorder},
    shared::Shared,
};

pub(super) struct Ears<'a> {
    shared: &'a Shared,
    pub(super) recorder: Recorder,
    /// Messages that the thread may send because others have arrived.
    pub(super) permits: usize,
    /// Users that are logging in, the first first, and since when.
    pub(super) pending: VecDeque<(usize, u64)>,
    /// How many of them are not yet.
    pub(super) pending_count: usize,
    pub(super) sent: Batch<'a>,
    pub(super) expected: Batch<'a>,
    received: Batch<'a>,
}

impl<'a> Ears<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            recorder: Recorder::new(),
            permits: 0,
            pending: VecDeque::new(),
            pending_count: 0,
            sent: Batch::new(&shared.sent),
            expected: Batch::new(&shared.expected),
            received: Batch::new(&shared.received),
        }
    }

    /// `since` is when the user's connection was begun.
    pub(super) fn hear(&mut self, user: usize, since: u64, heard: &Heard<'_>) {
        match heard {
            Heard::LoggedIn(text) => self.log_in(user, since, text),
            Heard::Text(text) => match Stamp::read(self.shared.run, text) {
                Some(stamp) => self.receive(stamp),
                None if text.starts_with(b"error") => {
                    self.recorder.problems.count(String::from_utf8_lossy(text).into_owned());
                }
                None => self.recorder.foreign += 1,
            },
        }
    }

    fn log_in(&mut self, user: usize, since: u64, text: &[u8]) {
        if text.starts_with(b"error") {
            let (uid, text) = (self.shared.uid(user), String::from_utf8_lossy(text));
            return self.shared.fail(format!("the server refused the login of {uid}: {text}"));
        }
        recorder::record(&mut self.recorder.connect, self.shared.clock.now() - since);
        self.pending_count -= 1;
        self.shared.set_alive(user, true);
        let logged_in = self.shared.logged_in.fetch_add(1, SeqCst) + 1;
        if logged_in == self.shared.plan.users {
            self.shared.conductor.unpark();
        }
    }

    fn receive(&mut self, stamp: Stamp) {
        let now = self.shared.clock.now();
        let time = now.saturating_sub(stamp.due);
        let delivery = self.shared.flights.arrive(stamp.seq);
        self.recorder.handled += 1;
        if delivery == Delivery::Last {
            self.permits += 1;
        }
        if !stamp.is_measured {
            return;
        }
        let deliveries = self.recorder.of(stamp.kind);
        if delivery == Delivery::Surplus {
            deliveries.surplus += 1;
            return;
        }
        deliveries.received += 1;
        recorder::record(&mut deliveries.each, time);
        if delivery == Delivery::Last {
            recorder::record(&mut deliveries.last, time);
        }
        self.recorder.last_received = now;
        self.received.count += 1;
    }

    /// Tells the other threads.
    pub(super) fn publish(&mut self) {
        // What is expected comes first, lest more seem to have come.
        self.expected.publish();
        self.sent.publish();
        self.received.publish();
    }
}

/// A number that other threads need to know only from time to time.
pub(super) struct Batch<'a> {
    pub(super) count: u64,
    total: &'a AtomicU64,
}

impl<'a> Batch<'a> {
    fn new(total: &'a AtomicU64) -> Self {
        Self { count: 0, total }
    }

    fn publish(&mut self) {
        if self.count > 0 {
            self.total.fetch_add(std::mem::take(&mut self.count), SeqCst);
        }
    }
}
