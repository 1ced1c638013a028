//! Whether a connection is alive: something is heard from it, and it reads.

use core::time::Duration;

use crate::{Heartbeat, TimeoutReason, time::Instant};

/// What is noted of a connection between two looks at it.
///
/// What it does only leaves a note here; the deadlines are not moved for it. When one has come, the
/// notes say whether it means anything.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Watch {
    /// When something last came from it.
    heard: Instant,
    /// When to see whether it is alive.
    heart_at: Instant,
    /// When to see whether it reads.
    stall_at: Instant,
    /// It was pinged, and is to be heard until then.
    pinged: bool,
    /// It has been heard since its ping.
    answered: bool,
    /// It is to be sent a ping.
    pub(crate) ping: bool,
    /// It had something to pull when it was last seen to.
    was_behind: bool,
    /// It has pulled something since then.
    pub(crate) pulled: bool,
}

impl Default for Watch {
    /// Waits for nothing.
    fn default() -> Self {
        Self {
            heard: Instant::ZERO,
            heart_at: Instant::END,
            stall_at: Instant::END,
            pinged: false,
            answered: false,
            ping: false,
            was_behind: false,
            pulled: false,
        }
    }
}

/// Whether a connection has given a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Heard,
    /// Not for a while: a ping is on its way.
    Pinged,
    /// Not since its ping.
    Silent,
}

/// Two looks in one instant would never end.
const LEAST: Duration = Duration::from_micros(1);

impl Watch {
    /// The watch of a connection that was heard at `now`.
    pub(crate) fn new(now: Instant, ping_after: Option<Duration>, stall: Option<Duration>) -> Self {
        let after = |wait: Option<Duration>| wait.map_or(Instant::END, |wait| now + wait);
        let stall_at = after(stall.map(|stall| stall.max(LEAST)));
        Self { heard: now, heart_at: after(ping_after), stall_at, ..Self::default() }
    }

    /// When to look next, and at what.
    pub(crate) fn next(&self) -> Option<(Instant, TimeoutReason)> {
        let heart = if self.pinged { TimeoutReason::Pong } else { TimeoutReason::Ping };
        let next = (self.heart_at, heart).min((self.stall_at, TimeoutReason::Stall));
        (next.0 < Instant::END).then_some(next)
    }

    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = now;
        self.answered = true;
    }

    pub(crate) fn heard(&self) -> Instant {
        self.heard
    }

    /// Whether it waits for nothing but what `config` has it wait for.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn fits(&self, config: &crate::Config) -> bool {
        (config.heartbeat.is_some() || (self.heart_at == Instant::END && !self.pinged))
            && (config.stall_timeout.is_some() || self.stall_at == Instant::END)
    }

    /// Leaves out when it was heard, and counts times from `now` on.
    #[cfg(all(feature = "serde", feature = "testing"))]
    pub(crate) fn canonical(&mut self, now: Instant) {
        self.heard = Instant::ZERO;
        self.answered = false;
        self.heart_at = self.heart_at.after(now);
        self.stall_at = self.stall_at.after(now);
    }

    /// Looks for a sign of life.
    pub(crate) fn look_for_life(
        &mut self,
        now: Instant,
        heartbeat: Heartbeat,
        ping_after: Duration,
    ) -> Life {
        if self.pinged && !self.answered {
            return Life::Silent;
        }
        self.heart_at = self.heard + ping_after;
        self.pinged = self.heart_at <= now;
        if !self.pinged {
            return Life::Heard;
        }
        self.heart_at = now + heartbeat.timeout;
        self.answered = false;
        self.ping = true;
        Life::Pinged
    }

    /// Looks whether it reads, where `is_behind` says that it has something to. Returns whether it
    /// does, or need not.
    pub(crate) fn look_for_progress(
        &mut self,
        now: Instant,
        stall: Duration,
        is_behind: bool,
    ) -> bool {
        let reads = self.pulled || !self.was_behind;
        self.stall_at = now + stall.max(LEAST);
        self.was_behind = is_behind;
        self.pulled = false;
        reads
    }
}
