//! The thread that delivers.

use std::{
    io,
    sync::{Arc, PoisonError},
    thread,
    time::{Duration, Instant as Clock},
};

use super::{
    Webhooks,
    notice::{self, Notice},
    queue::{Batch, Next},
};
use crate::seldom::Seldom;

/// Deliveries under way. They go on until they are finished, or the process ends.
#[derive(Debug)]
#[must_use = "what is left at the end is delivered by finish"]
pub struct Deliveries(Arc<Webhooks>);

impl Deliveries {
    /// Starts to deliver.
    ///
    /// # Errors
    /// There is no further thread to be had.
    pub fn start(webhooks: Arc<Webhooks>) -> io::Result<Self> {
        let delivering = Arc::clone(&webhooks);
        thread::Builder::new().name("webhooks".into()).spawn(move || deliver(&delivering))?;
        Ok(Self(webhooks))
    }

    /// Delivers what is left, as far as it can be done in the configured time; says in the log how
    /// many events were not delivered, and returns it. To be called when nothing is offered any more.
    pub fn finish(self) -> usize {
        let webhooks = self.0;
        let mut shared = webhooks.lock();
        shared.end = Some(webhooks.now() + webhooks.drain);
        shared.queue.hurry();
        webhooks.changed.notify_all();
        // The thread is not joined: it may be in a request, which is not for anybody to wait for.
        let (shared, _) = webhooks
            .changed
            .wait_timeout_while(shared, webhooks.drain, |shared| !shared.has_ended)
            .unwrap_or_else(PoisonError::into_inner);
        let left = shared.queue.figures(webhooks.now()).waiting;
        drop(shared);
        if left > 0 {
            tracing::warn!(left, "{left} events were not delivered to the webhook, and are lost");
        }
        left
    }
}

fn deliver(webhooks: &Webhooks) {
    let mut reports = Reports::default();
    while let Some((batch, limit)) = wait(webhooks) {
        // The first number makes it unique, as batches do not overlap and do not change.
        let first = batch.entries.first().map_or(0, |entry| entry.sequence);
        let id = format!("{}-{first}", webhooks.instance);
        let body = notice::body(&webhooks.instance, &batch);
        let result = webhooks.receiver.post(&id, &body, limit);

        let mut shared = webhooks.lock();
        match &result {
            Ok(()) => shared.queue.delivered(),
            Err(failure) => shared.queue.failed(webhooks.now(), failure.retry_after),
        }
        let dropped = shared.queue.figures(webhooks.now()).dropped;
        drop(shared);
        if let Err(failure) = result {
            reports.failed(&failure.why);
        }
        reports.dropped(dropped);
    }
    webhooks.lock().has_ended = true;
    webhooks.changed.notify_all();
}

/// Waits for something to deliver, and says how much time there is for it; `None` at the end.
fn wait(webhooks: &Webhooks) -> Option<(Arc<Batch<Notice>>, Duration)> {
    let mut shared = webhooks.lock();
    loop {
        let now = webhooks.now();
        let left = shared.end.map_or(Duration::MAX, |end| end.saturating_since(now));
        if left.is_zero() {
            return None;
        }
        let pause = match shared.queue.next(now) {
            Next::Send(batch) => return Some((batch, left)),
            Next::Idle if shared.end.is_some() => return None,
            Next::Idle => Duration::MAX,
            Next::Wait(pause) => pause.min(left),
        };
        let changed = &webhooks.changed;
        shared = match pause {
            Duration::MAX => changed.wait(shared).unwrap_or_else(PoisonError::into_inner),
            pause => changed.wait_timeout(shared, pause).unwrap_or_else(PoisonError::into_inner).0,
        };
    }
}

/// What goes wrong, in the log. It is said here, not where events are taken: to write a line may
/// block, and there the hub is locked.
#[derive(Default)]
struct Reports {
    failures: Seldom,
    drops: Seldom,
    dropped: u64,
}

impl Reports {
    fn failed(&self, why: &str) {
        if let Some(unsaid) = self.failures.is_time(Clock::now()) {
            tracing::warn!(unsaid, "the webhook was not accepted, and is tried again: {why}");
        }
    }

    fn dropped(&mut self, dropped: u64) {
        if dropped > self.dropped && self.drops.is_time(Clock::now()).is_some() {
            let more = dropped - self.dropped;
            tracing::warn!(more, "the webhook's queue is full: {more} events were dropped");
            self.dropped = dropped;
        }
    }
}
