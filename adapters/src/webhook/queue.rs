//! What waits to be delivered, and when to try.
//!
//! ```text
//!          offer             next                       delivered
//!    --------------> waiting ------> in flight -------------------> gone
//!                       |               |  ^
//!     full: the oldest  |        failed |  | next, when its time has come
//!                       v               v  |
//!                    dropped          pausing
//! ```
//!
//! Time is an argument. A batch that was handed out stays as it is until it is delivered, so that it
//! can be known again; what came meanwhile waits behind it, so that order holds.
//!
//! When there is no room, the oldest goes: of what happened to a user the newest says how things
//! stand, and it is the newest that the receiver could learn in no other way. What goes is always
//! right before the next batch, which says how many are missing there.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use switchboard_core::Instant;

use super::backoff::Backoff;
use crate::observe;

/// The longest that a receiver can have the queue wait. Whoever asks for more has most likely made
/// a mistake, and the queue fills meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Items in order, numbered from 1 on, delivered at least once and in batches.
#[derive(Debug)]
pub(super) struct Queue<T> {
    capacity: usize,
    batch: usize,
    backoff: Backoff,
    waiting: VecDeque<Entry<T>>,
    flight: Option<Flight<T>>,
    /// The number of the last item that was offered.
    last: u64,
    /// Dropped right before the oldest that waits.
    gap: u64,
    delivered: u64,
    dropped: u64,
    failures: u64,
}

/// An item in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<T> {
    pub(super) sequence: u64,
    pub(super) item: T,
    since: Instant,
}

/// Items whose numbers follow one another; at least one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch<T> {
    /// How many were dropped right before these.
    pub(super) dropped: u64,
    pub(super) entries: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Flight<T> {
    batch: Arc<Batch<T>>,
    pause: Option<Pause>,
}

/// Between a failure and the next attempt.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    /// Until when the receiver wants to be left alone.
    asked: Instant,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    /// Deliver this, then tell whether it was [delivered](Queue::delivered) or has
    /// [failed](Queue::failed). It remains the answer until one of them is told.
    Send(Arc<Batch<T>>),
    /// Ask again after this time.
    Wait(Duration),
    /// Ask again after the next offer.
    Idle,
}

impl<T> Queue<T> {
    /// An empty queue, in which `capacity` items can wait, beside a batch of at most `batch` in
    /// flight.
    pub(super) fn new(capacity: usize, batch: usize, backoff: Backoff) -> Self {
        Self {
            capacity,
            // Batches of nothing would deliver nothing.
            batch: batch.max(1),
            backoff,
            waiting: VecDeque::new(),
            flight: None,
            last: 0,
            gap: 0,
            delivered: 0,
            dropped: 0,
            failures: 0,
        }
    }

    /// Takes an item. Returns whether whoever was told to be [idle](Next::Idle) has to ask again.
    pub(super) fn offer(&mut self, now: Instant, item: T) -> bool {
        let was_idle = self.waiting.is_empty() && self.flight.is_none();
        if self.waiting.len() >= self.capacity && self.waiting.pop_front().is_some() {
            self.gap += 1;
            self.dropped += 1;
        }
        self.last += 1;
        self.waiting.push_back(Entry { sequence: self.last, item, since: now });
        was_idle
    }

    /// What to do now.
    pub(super) fn next(&mut self, now: Instant) -> Next<T> {
        if self.flight.is_none() {
            let count = self.batch.min(self.waiting.len());
            if count == 0 {
                return Next::Idle;
            }
            let entries = self.waiting.drain(..count).collect();
            let batch = Arc::new(Batch { dropped: self.gap, entries });
            self.gap = 0;
            self.flight = Some(Flight { batch, pause: None });
        }
        match &mut self.flight {
            Some(Flight { pause: Some(pause), .. }) if now < pause.until => {
                Next::Wait(pause.until.saturating_since(now))
            }
            Some(flight) => {
                flight.pause = None;
                Next::Send(Arc::clone(&flight.batch))
            }
            None => Next::Idle,
        }
    }

    /// The batch in flight was accepted.
    pub(super) fn delivered(&mut self) {
        if let Some(flight) = self.flight.take() {
            self.delivered += flight.batch.entries.len() as u64;
            self.backoff.reset();
        }
    }

    /// The batch in flight was not accepted, as far as is known, and the receiver may have said after
    /// what time to come again.
    pub(super) fn failed(&mut self, now: Instant, retry_after: Option<Duration>) {
        if let Some(flight) = &mut self.flight {
            let asked = now + retry_after.unwrap_or_default().min(LONGEST_PAUSE);
            let until = asked.max(now + self.backoff.next());
            flight.pause = Some(Pause { until, asked });
            self.failures += 1;
        }
    }

    /// There is little time left: tries again as soon as the receiver allows.
    pub(super) fn hurry(&mut self) {
        self.backoff.reset();
        if let Some(Flight { pause: Some(pause), .. }) = &mut self.flight {
            pause.until = pause.asked;
        }
    }

    /// The figures.
    pub(super) fn figures(&self, now: Instant) -> observe::Queue {
        let in_flight = self.flight.as_ref().map_or(&[][..], |flight| &flight.batch.entries);
        let oldest = in_flight.first().or(self.waiting.front());
        observe::Queue {
            waiting: in_flight.len() + self.waiting.len(),
            oldest: oldest.map(|entry| now.saturating_since(entry.since)),
            delivered: self.delivered,
            dropped: self.dropped,
            failures: self.failures,
        }
    }
}

#[cfg(test)]
mod tests;
