//! Who is closed when at a shutdown.

use std::time::Duration;

use super::*;

/// Each connection's moment is in the last of these spans that has begun.
#[derive(Clone)]
pub(super) struct Drain {
    start: Instant,
    over: Duration,
    /// The share of all connections that is behind, as a phase.
    behind: u32,
}

impl Drain {
    /// Where in the span the moment of a connection is.
    fn moment(&self, id: ConnId) -> Instant {
        let (all, behind) = (1 << 32, u128::from(self.behind));
        let ahead = u128::from(id.phase().max(self.behind)) - behind;
        let micros = self.over.as_micros() * ahead / (all - behind);
        self.start + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

impl Model {
    pub(super) fn shut_down(&mut self, over: Duration) {
        let mut next = Drain { start: self.now, over, behind: 0 };
        if let Some(last) = &self.drain {
            if self.now + over >= last.start + last.over {
                return;
            }
            let ahead = (1 << 32) - u128::from(last.behind);
            let elapsed = self.now.saturating_since(last.start).as_micros();
            let passed = ahead * elapsed / last.over.as_micros();
            next.behind = last.behind + u32::try_from(passed).expect("it is not over");
        }
        self.drain = Some(next);
    }

    pub(super) fn drains_at_once(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| drain.over.is_zero())
    }

    /// The next one to be closed, if they are not all to be closed at once.
    pub(super) fn next_to_drain(&self) -> Option<(Instant, u32, ConnId)> {
        let drain = self.drain.as_ref().filter(|drain| !drain.over.is_zero())?;
        let open = self.ids().filter(|id| self.stage(*id) != Stage::Closing);
        open.map(|id| (drain.moment(id), id.phase(), id)).min()
    }

    pub(super) fn drain_due(&mut self) {
        while let Some((at, _, id)) = self.next_to_drain()
            && at <= self.now
        {
            self.close(id, CloseReason::Shutdown);
        }
    }
}
