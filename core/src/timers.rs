//! When to look at which connection again.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use crate::{ConnId, Deadline, TimeoutReason, time::Instant};

/// A heap of deadlines with lazy removal.
///
/// A connection has at most one deadline that counts, and knows it. Whatever else the heap holds
/// for it is stale and dropped when it comes up, or when stale entries are the greater part: so the
/// heap's size stays within a constant factor of the number of connections.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Timer {
    pub(crate) at: Instant,
    pub(crate) conn: ConnId,
    pub(crate) why: TimeoutReason,
}

/// Below this size the heap is not worth compacting.
const COMPACT_FROM: usize = 64;

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer) {
        self.heap.push(Reverse(timer));
    }

    /// The next timer that is due, whether it still counts or not.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        if self.heap.peek()?.0.at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(timer)| timer)
    }

    pub(crate) fn next(&self) -> Option<Deadline> {
        self.heap.peek().map(|Reverse(timer)| Deadline { at: timer.at, why: timer.why })
    }

    /// Drops what no longer counts from the top, so that [`next`](Self::next) is true, and
    /// everywhere if the heap is more than twice the size that `live` timers need.
    pub(crate) fn prune(&mut self, live: usize, counts: impl Fn(&Timer) -> bool) {
        while self.heap.peek().is_some_and(|Reverse(timer)| !counts(timer)) {
            self.heap.pop();
        }
        if self.heap.len() > COMPACT_FROM.max(2 * live) {
            self.heap.retain(|Reverse(timer)| counts(timer));
        }
    }

    /// Those that do not count, or count twice, in their order.
    #[cfg(feature = "serde")]
    pub(crate) fn stale(&self, counts: impl Fn(&Timer) -> bool) -> alloc::vec::Vec<Timer> {
        let mut timers: alloc::vec::Vec<_> =
            self.heap.iter().map(|Reverse(timer)| *timer).collect();
        timers.sort_unstable();
        let mut last = None;
        timers.retain(|timer| last.replace(*timer) == Some(*timer) || !counts(timer));
        timers
    }

    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}
