//! Who is too fast: judged by what each one has yet to work off.

use switchboard_core::{Rate, Unit};

use super::*;

/// A debt in microseconds, which time pays off, as of some time.
#[derive(Clone, Copy, Default)]
pub(super) struct Debt {
    micros: u64,
    at: Instant,
}

/// How far a debt goes beyond what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Excess {
    None,
    Some,
    Far,
}

impl Debt {
    fn add(&mut self, now: Instant, rate: Rate, units: u128) -> Excess {
        let price = |units: u128| {
            let micros = units * 1_000_000 / u128::from(rate.per_second.max(1));
            let micros = u64::try_from(micros).expect("no test has such sizes");
            if units > 0 { micros.max(1) } else { 0 }
        };
        let paid = u64::try_from(now.saturating_since(self.at).as_micros()).unwrap_or(u64::MAX);
        // Nothing is owed beyond the end of time.
        let left = u64::MAX - now.as_micros();
        let owed = (self.micros.saturating_sub(paid) + price(units)).min(left);
        let allowed = price(rate.burst.max(1).into());
        *self = Self { micros: owed.min(2 * allowed + 1), at: now };
        if owed <= allowed {
            Excess::None
        } else if owed <= 2 * allowed {
            Excess::Some
        } else {
            Excess::Far
        }
    }
}

impl Model {
    /// Charges for a message or a part of one; says what was exceeded most, messages first.
    pub(super) fn charge(&mut self, id: ConnId, size: usize) -> (Excess, Problem) {
        let now = self.now;
        let charges = [
            (self.config.message_rate, 1, Unit::Message),
            (self.config.byte_rate, size as u128, Unit::Byte),
        ];
        let debts = &mut self.conn(id).debts;
        let excesses = debts.iter_mut().zip(charges).map(|(debt, (rate, units, unit))| {
            let excess = rate.map_or(Excess::None, |rate| debt.add(now, rate, units));
            let per_second = rate.map_or(0, |rate| rate.per_second.max(1));
            (excess, Problem::TooFast { per_second, unit })
        });
        let mut worst = excesses.collect::<Vec<_>>();
        // Of equals the first remains.
        worst.sort_by_key(|(excess, _)| std::cmp::Reverse(*excess));
        worst.remove(0)
    }
}
