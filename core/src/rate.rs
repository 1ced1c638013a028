//! How much is taken in how much time.

use core::time::Duration;

use crate::time::Instant;

/// A limit of so much a second, on average, and of so much at once.
///
/// Whatever is up to the burst is taken. What is beyond it is refused, and refusals count, too: who
/// goes on like that comes to be beyond twice the burst, and is closed. All of the burst is to be
/// had again when nothing has come for as long as it takes at the rate.
///
/// Time is counted in whole microseconds, in favour of the sender; but what is anything at all takes
/// at least one. A rate or burst of zero counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rate {
    /// Units a second.
    pub per_second: u32,
    /// Units at once.
    pub burst: u32,
}

impl Rate {
    /// How long `units` take at the rate.
    fn time_for(self, units: u64) -> Duration {
        let micros = u128::from(units) * 1_000_000 / u128::from(self.per_second.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX).max(units.min(1)))
    }
}

/// What has been taken under a [`Rate`]: the generic cell rate algorithm, whose only state is the
/// time at which all that was taken has had its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Meter {
    clear_at: Instant,
}

/// How a meter stands to its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Within,
    /// Beyond the burst.
    Over,
    /// Beyond twice the burst.
    FarOver,
}

impl Meter {
    /// When nothing of what was taken will matter any more.
    pub(crate) fn clear_at(&self) -> Instant {
        self.clear_at
    }

    pub(crate) fn charge(&mut self, now: Instant, rate: Rate, units: u64) -> Level {
        let burst = rate.time_for(rate.burst.max(1).into());
        let clear_at = self.clear_at.max(now) + rate.time_for(units);
        let level = match clear_at.saturating_since(now) {
            ahead if ahead <= burst => Level::Within,
            ahead if ahead <= burst.saturating_mul(2) => Level::Over,
            _ => Level::FarOver,
        };
        // However far over it went, it takes no longer to come back.
        let furthest = now + burst.saturating_mul(2) + Duration::from_micros(1);
        self.clear_at = clear_at.min(furthest);
        level
    }
}

#[cfg(test)]
mod tests {
    use super::{Level::*, *};

    const NOW: Instant = Instant::from_micros(1_000_000);

    fn charge<const N: usize>(rate: Rate, charges: [(u64, u64); N]) -> [Level; N] {
        let mut meter = Meter::default();
        let mut now = NOW;
        charges.map(|(after, units)| {
            now = now + Duration::from_micros(after);
            meter.charge(now, rate, units)
        })
    }

    #[test]
    fn a_burst_is_taken_then_as_much_is_refused_and_what_follows_is_too_much() {
        for per_second in [1, 3, 7, 1_000, 999_999] {
            let rate = Rate { per_second, burst: 3 };
            let levels = charge(rate, [(0, 1); 7]);
            assert_eq!(levels, [Within, Within, Within, Over, Over, Over, FarOver]);
            assert_eq!(charge(rate, [(0, 3), (0, 3), (0, 1)]), [Within, Over, FarOver]);
            assert_eq!(charge(rate, [(0, 6)]), [Over]);
            assert_eq!(charge(rate, [(0, 7)]), [FarOver]);
        }
    }

    #[test]
    fn what_was_taken_has_its_time() {
        let rate = Rate { per_second: 10, burst: 2 };
        let levels = charge(rate, [(0, 2), (99_999, 1), (100_001, 1), (0, 1), (400_000, 2)]);
        assert_eq!(levels, [Within, Over, Within, Over, Within]);
        assert_eq!(charge(rate, [(100_000, 1); 50]), [Within; 50]);
    }

    #[test]
    fn however_far_over_it_comes_back_in_the_time_of_two_bursts() {
        let rate = Rate { per_second: 10, burst: 2 };
        let levels = charge(rate, [(0, u64::MAX), (0, 1), (400_001, 2), (0, 1)]);
        assert_eq!(levels, [FarOver, FarOver, Within, Over]);
    }

    #[test]
    fn no_rate_no_charge_and_no_time_overflow() {
        for per_second in [0, 1, 1_000_000, u32::MAX] {
            for burst in [0, 1, u32::MAX] {
                for units in [0, 1, u64::MAX] {
                    let mut meter = Meter::default();
                    for now in [Instant::ZERO, Instant::END, NOW] {
                        meter.charge(now, Rate { per_second, burst }, units);
                    }
                }
            }
        }
    }

    #[test]
    fn a_zero_counts_as_one() {
        let zeros = Rate { per_second: 0, burst: 0 };
        let levels = charge(zeros, [(0, 1), (0, 1), (0, 1), (2_000_001, 1)]);
        assert_eq!(levels, [Within, Over, FarOver, Within]);
    }
}
