//! What connections may cost.

use super::Hub;
use crate::{ConnId, Payload, Problem, Unit, rate::Level};

impl<P: Payload> Hub<P> {
    /// Charges a connection for a message of this size, or for a part of one. Returns what there
    /// was too much of, if anything, and how much too much.
    pub(super) fn charge(&mut self, conn: ConnId, size: usize) -> Option<(Level, Problem)> {
        let charged = &mut self.conns[conn];
        let meters = [
            (self.config.message_rate, &mut charged.messages, 1, Unit::Message),
            (self.config.byte_rate, &mut charged.bytes, size as u64, Unit::Byte),
        ];
        let mut worst = None;
        for (rate, meter, units, unit) in meters {
            let Some(rate) = rate else { continue };
            let level = meter.charge(self.now, rate, units);
            if level > worst.as_ref().map_or(Level::Within, |(worst, _)| *worst) {
                let per_second = rate.per_second.max(1);
                worst = Some((level, Problem::TooFast { per_second, unit }));
            }
        }
        worst
    }
}
