//! What nobody does in passing.

use std::{sync::atomic::Ordering, time::Duration};

use switchboard_core::{Input, Instant};

use super::{Exchange, Shared, Signal, calls::Calls};

/// No time at all.
pub(super) const NEVER: u64 = u64::MAX;

/// Outputs that the driver carries out before it lets others have the lock.
const OUTPUTS_AT_ONCE: usize = 64;

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Let others run, then [drive](Exchange::drive) again.
    Again,
    /// Wait for the doorbell, at most this long if there is a limit.
    Wait(Option<Duration>),
    /// Nothing more: the exchange is shut down and everybody is gone.
    Finished,
}

impl<S: Signal> Exchange<S> {
    /// Does a bounded share of the driver's work. Who is not needed does not take the lock.
    pub fn drive(&self) -> Next {
        let wakes = self.driver_wakes.load(Ordering::Acquire);
        let left = Instant::from_micros(wakes).saturating_since(self.now());
        if !left.is_zero() && !self.has_work.load(Ordering::Acquire) {
            return Next::Wait((wakes != NEVER).then_some(left));
        }
        let mut calls = Calls::default();
        let next = {
            let mut shared = self.lock();
            let now = self.now();
            shared.driver_due = None;
            let due = |shared: &Shared<S>| shared.hub.poll_timeout().filter(|d| d.at <= now);
            if due(&shared).is_some() {
                shared.hub.handle(now, Input::Timeout);
            }
            if shared.carry_out(OUTPUTS_AT_ONCE, &mut calls) || due(&shared).is_some() {
                shared.driver_due = Some(now);
                Next::Again
            } else if shared.is_finished() {
                Next::Finished
            } else {
                let at = shared.hub.poll_timeout().map(|deadline| deadline.at);
                self.driver_wakes.store(at.map_or(NEVER, Instant::as_micros), Ordering::Release);
                self.has_work.store(false, Ordering::Release);
                Next::Wait(at.map(|at| at.saturating_since(now)))
            }
        };
        self.give(calls);
        next
    }

    /// Whether the driver sleeps past something that it has to do.
    pub(super) fn driver_is_late(&self, shared: &Shared<S>) -> bool {
        let wakes = self.driver_wakes.load(Ordering::Acquire);
        let earlier = shared.hub.poll_timeout().is_some_and(|due| due.at.as_micros() < wakes);
        earlier || shared.is_finished()
    }

    /// Has the driver look, once it is told to. Returns since when it has not.
    pub(super) fn call_driver(&self, shared: &mut Shared<S>, now: Instant) -> Instant {
        self.has_work.store(true, Ordering::Release);
        *shared.driver_due.get_or_insert(now)
    }
}
