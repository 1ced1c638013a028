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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conns::id;

    /// As many timers, of which only the first counts, and what is left of them.
    fn pruned(timers: usize, live: usize) -> usize {
        let mut heap = Timers::default();
        for at in 0..timers {
            let (at, why) = (Instant::from_micros(at as u64), TimeoutReason::Ping);
            heap.set(Timer { at, conn: id(1, 1), why });
        }
        heap.prune(live, |timer| timer.at == Instant::ZERO);
        heap.heap.len()
    }

    #[test]
    fn what_does_not_count_goes_when_it_is_the_greater_part() {
        assert_eq!([pruned(64, 1), pruned(65, 1), pruned(500, 1)], [64, 1, 1]);
        assert_eq!([pruned(200, 100), pruned(201, 100), pruned(500, 100)], [200, 1, 1]);
    }

    #[test]
    fn what_does_not_count_is_never_first() {
        let mut timers = Timers::default();
        for at in [3, 1, 2] {
            let (at, why) = (Instant::from_micros(at), TimeoutReason::Ping);
            timers.set(Timer { at, conn: id(1, 1), why });
        }
        timers.prune(3, |timer| timer.at == Instant::from_micros(2));
        assert_eq!(timers.next().map(|next| next.at), Some(Instant::from_micros(2)));
        assert_eq!(timers.pop_due(Instant::from_micros(1)), None);
        let due = timers.pop_due(Instant::from_micros(2));
        assert_eq!(due.map(|timer| timer.at), Some(Instant::from_micros(2)));
    }
}
