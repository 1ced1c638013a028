//! Time, and processor time.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Tells the nanoseconds since it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> u64 {
        nanos(self.0.elapsed())
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Processor time that this process has taken.
pub(super) fn process_cpu() -> u64 {
    as_nanos(clock_gettime(ClockId::ProcessCPUTime))
}

/// Processor time that this thread has taken.
pub(super) fn thread_cpu() -> u64 {
    as_nanos(clock_gettime(ClockId::ThreadCPUTime))
}

fn as_nanos(time: Timespec) -> u64 {
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
