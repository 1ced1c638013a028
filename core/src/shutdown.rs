//! Closing everybody, in some time.

use alloc::{collections::BinaryHeap, vec::Vec};
use core::{cmp::Reverse, time::Duration};

#[cfg(feature = "serde")]
use crate::state::SavedShutdown;
use crate::{ConnId, time::Instant};

/// A shutdown under way: each connection has its moment, by its id's [phase](ConnId::phase).
///
/// The phases of connections that came one after the other lie far apart: those who have to come
/// back elsewhere do so evenly, and not in the order in which they once came.
pub(crate) struct Shutdown {
    left: BinaryHeap<Reverse<(u32, ConnId)>>,
    start: Instant,
    over: Duration,
    /// The phase whose moment is the start.
    from: u32,
}

/// All phases are less.
const PHASES: u128 = 1 << 32;

impl Shutdown {
    pub(crate) fn new(now: Instant, over: Duration, conns: impl Iterator<Item = ConnId>) -> Self {
        let left: Vec<_> = conns.map(|conn| Reverse((conn.phase(), conn))).collect();
        Self { left: left.into(), start: now, over, from: 0 }
    }

    /// Has it end `over` from now, if that is earlier: what is left is spread over that time.
    /// Returns whether it is.
    pub(crate) fn shorten(&mut self, now: Instant, over: Duration) -> bool {
        let shorter = now + over < self.start + self.over;
        if shorter {
            let elapsed = now.saturating_since(self.start).as_micros();
            let passed = (PHASES - u128::from(self.from)) * elapsed / self.over.as_micros();
            self.from = u32::try_from(u128::from(self.from) + passed).unwrap_or(u32::MAX);
            (self.start, self.over) = (now, over);
        }
        shorter
    }

    /// Whether there is no time to keep to.
    pub(crate) fn is_at_once(&self) -> bool {
        self.over.is_zero()
    }

    /// When to close the next one, unless it is all at once.
    pub(crate) fn next(&self) -> Option<Instant> {
        let Reverse((phase, _)) = self.left.peek().filter(|_| !self.is_at_once())?;
        let share = u128::from(phase.saturating_sub(self.from));
        let after = self.over.as_micros() * share / (PHASES - u128::from(self.from));
        Some(self.start + Duration::from_micros(u64::try_from(after).unwrap_or(u64::MAX)))
    }

    pub(crate) fn pop(&mut self) -> Option<ConnId> {
        self.left.pop().map(|Reverse((_, conn))| conn)
    }

    /// Drops those from the top that have ended by themselves, so that [`next`](Self::next) is true.
    pub(crate) fn prune(&mut self, is_left: impl Fn(ConnId) -> bool) {
        while self.left.peek().is_some_and(|Reverse((_, conn))| !is_left(*conn)) {
            self.left.pop();
        }
    }

    /// Those who are left, with their phases, the last one first.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn left(&self) -> Vec<(u32, ConnId)> {
        let left = self.left.clone().into_sorted_vec();
        left.into_iter().map(|Reverse(left)| left).collect()
    }

    /// When it began, or was last brought forward.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    #[cfg(feature = "serde")]
    pub(crate) fn save(&self) -> SavedShutdown {
        let left = self.left().into_iter().map(|(_, conn)| conn).collect();
        SavedShutdown { left, start: self.start, over: self.over, from: self.from }
    }

    #[cfg(feature = "serde")]
    pub(crate) fn restore(saved: SavedShutdown) -> Self {
        let SavedShutdown { left, start, over, from } = saved;
        Self { from, ..Self::new(start, over, left.into_iter()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    /// The moments of all who are left, in microseconds.
    fn moments(shutdown: &Shutdown) -> Vec<u64> {
        let mut left = Shutdown { left: shutdown.left.clone(), ..*shutdown };
        core::iter::from_fn(|| {
            let at = left.next();
            left.pop();
            at.map(Instant::as_micros)
        })
        .collect()
    }

    #[test]
    fn each_time_it_is_shortened_the_rest_is_spread_over_what_is_left() {
        let conns = (1..=1_000).map(|slot| crate::conns::id(slot, 1));
        let mut shutdown = Shutdown::new(Instant::ZERO, Duration::from_secs(160), conns);
        let mut before = moments(&shutdown);
        let mut start = 0;
        // After half of the time that is left, half of that is to be enough for the rest.
        for over in [40, 10] {
            let now = start + over * 2 * SECOND;
            while shutdown.next().is_some_and(|at| at.as_micros() <= now) {
                shutdown.pop();
            }
            assert!(!shutdown.shorten(Instant::from_micros(now), Duration::from_secs(2 * over)));
            assert!(shutdown.shorten(Instant::from_micros(now), Duration::from_secs(over)));
            before.retain(|at| *at > now);
            let after = moments(&shutdown);
            #[cfg(feature = "serde")]
            assert_eq!(moments(&Shutdown::restore(shutdown.save())), after);
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(&after) {
                assert!((now + (before - now) / 2).abs_diff(*after) <= 1, "{before} {after}");
            }
            (before, start) = (after, now);
        }
        assert!((200..300).contains(&before.len()), "a quarter is left, not {}", before.len());
    }
}
