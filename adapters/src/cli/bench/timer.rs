//! Waking up in time: epoll itself counts in milliseconds, which is long for what is measured here.

use std::{io, time::Duration};

use mio::Registry;

/// Ends a poll at its time.
#[derive(Debug)]
pub(super) struct Timer {
    #[cfg(target_os = "linux")]
    file: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Timer {
    pub(super) fn new(registry: &Registry, token: mio::Token) -> io::Result<Self> {
        use std::os::fd::AsRawFd;

        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let file = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut source = mio::unix::SourceFd(&file.as_raw_fd());
        registry.register(&mut source, token, mio::Interest::READABLE)?;
        Ok(Self { file })
    }

    /// Has the next poll end after `wait`. Returns the time limit to poll with.
    pub(super) fn set(&self, wait: Option<Duration>) -> io::Result<Option<Duration>> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        // A poll without a wait needs no timer, and a long one no precision.
        let Some(wait) = wait.filter(|wait| !wait.is_zero() && *wait < SHORT) else {
            return Ok(wait);
        };
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
        let once = Itimerspec { it_interval: zero, it_value };
        timerfd_settime(&self.file, TimerfdTimerFlags::empty(), &once)?;
        Ok(Some(SHORT))
    }
}

/// Below this, milliseconds matter.
#[cfg(target_os = "linux")]
const SHORT: Duration = Duration::from_millis(100);

/// Elsewhere, polls are as precise as the system's.
#[cfg(not(target_os = "linux"))]
impl Timer {
    pub(super) fn new(_: &Registry, _: mio::Token) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) fn set(&self, wait: Option<Duration>) -> io::Result<Option<Duration>> {
        Ok(wait)
    }
}
