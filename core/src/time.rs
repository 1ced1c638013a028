//! Time as an argument.

use core::{ops::Add, time::Duration};

/// A point in time on the caller's clock, in microseconds since an origin that the caller chooses.
///
/// The hub never reads a clock: each call is told what time it is. The clock should not run
/// backwards; a call that is told an earlier time than the one before is taken to happen at the
/// same time as that one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instant(u64);

impl Instant {
    /// The origin of the clock.
    pub const ZERO: Self = Self(0);

    /// The end of time. A deadline there never comes.
    pub(crate) const END: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The same with `now` as the origin, and the end of time where it was.
    #[cfg(all(feature = "serde", feature = "testing"))]
    pub(crate) fn after(self, now: Self) -> Self {
        if self == Self::END { self } else { Self(self.0.saturating_sub(now.0)) }
    }

    /// The time from `earlier` until this instant; zero if `earlier` is in fact later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of time, some 580,000 years after the origin.
    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}
