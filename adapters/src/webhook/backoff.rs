//! How long to wait after a failure.

use std::time::Duration;

/// The longest pause after the first failure. It doubles with each further one.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause after any.
const LAST: Duration = Duration::from_secs(60);

/// Pauses that grow from half a second, at the least, to a minute, at the most.
///
/// Each is somewhere in the upper half of what it may be, by chance: servers that lost their receiver
/// at once do not come back to it at once.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: u64,
}

impl Backoff {
    /// The same seed gives the same pauses.
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, random: seed }
    }

    /// The pause after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let longest = FIRST.saturating_mul(doubled).min(LAST);
        longest.mul_f64(0.5 + self.fraction() / 2.0)
    }

    /// There was a success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// From 0 to 1, by SplitMix64, which spreads any seed.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_differ_by_seed() {
        let pauses = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..100).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        for seed in 0..100 {
            for (failure, pause) in pauses(seed).into_iter().enumerate() {
                let longest = Duration::from_secs(1 << failure.min(6)).min(LAST);
                assert!(pause >= longest / 2 && pause <= longest, "{failure}: {pause:?}");
            }
        }
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn a_success_begins_anew() {
        let mut backoff = Backoff::new(0);
        for _ in 0..9 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
