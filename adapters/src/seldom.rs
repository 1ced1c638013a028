//! What is worth a line in the log, but not one each time that it happens.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lines of one kind come at least so long after each other.
const EVERY: Duration = Duration::from_secs(60);

/// Keeps lines of one kind apart by a minute.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Option<Last>>);

#[derive(Debug)]
struct Last {
    at: Instant,
    unsaid: u64,
}

impl Seldom {
    /// Nothing has been said yet. For what cannot call `default`.
    #[cfg_attr(not(feature = "exchange"), expect(dead_code, reason = "statics are there"))]
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// How often it has happened without a line since the last one, if it is time for a line.
    pub(crate) fn is_time(&self, now: Instant) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *last {
            Some(last) if now.saturating_duration_since(last.at) < EVERY => {
                last.unsaid += 1;
                None
            }
            last => {
                last.replace(Last { at: now, unsaid: 0 }).map_or(Some(0), |last| Some(last.unsaid))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_minute() {
        let (seldom, start) = (Seldom::new(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(seldom.is_time(at(0)), Some(0));
        assert_eq!(seldom.is_time(at(1)), None);
        assert_eq!(seldom.is_time(at(59)), None);
        assert_eq!(seldom.is_time(at(60)), Some(2));
        assert_eq!(seldom.is_time(at(61)), None);
        assert_eq!(seldom.is_time(at(600)), Some(1));
    }
}
