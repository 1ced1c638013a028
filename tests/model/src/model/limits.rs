//! Who asks for too much: judged by what each one has yet to work off, and where it comes from.

use std::time::Duration;

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

/// An IPv4 address, or what an IPv6 address has in common with others of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Host([u8; 4]),
    Network([u16; 4]),
}

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::Host(v4.octets()),
            IpAddr::V6(v6) => match v6.segments() {
                [0, 0, 0, 0, 0, 0xffff, a, b] => {
                    let [[a, b], [c, d]] = [a.to_be_bytes(), b.to_be_bytes()];
                    Self::Host([a, b, c, d])
                }
                [a, b, c, d, ..] => Self::Network([a, b, c, d]),
            },
        }
    }
}

impl Debt {
    fn paid_at(&self) -> Instant {
        self.at + Duration::from_micros(self.micros)
    }

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

    /// Charges the place that a connection comes from for a login attempt.
    pub(super) fn charge_login(&mut self, id: ConnId) -> Excess {
        let (Some(rate), Some(place)) = (self.config.login_rate, self.conns[&id].place) else {
            return Excess::None;
        };
        self.logins.entry(place).or_default().add(self.now, rate, 1)
    }

    pub(super) fn come_from(&mut self, id: ConnId, place: Place) {
        if self.stage(id) == Stage::Closing {
            // It is on its way out anyway.
        } else if self.conns[&id].place.is_some() {
            self.stats.stale += 1;
        } else if self.is_crowded(place) {
            self.close(id, CloseReason::TooManyFromAddress);
        } else {
            self.conn(id).place = Some(place);
        }
    }

    pub(super) fn is_crowded(&self, place: Place) -> bool {
        let here = self.conns.values().filter(|conn| conn.place == Some(place)).count();
        self.config.max_connections_per_address.is_some_and(|most| here >= most as usize)
    }

    /// Of the places that nobody is from, the debts of so many are kept as there may be
    /// connections.
    pub(super) fn forget_logins(&mut self) {
        let now = self.now;
        self.logins.retain(|_, debt| debt.paid_at() > now);
        let empty = |place: &Place| self.conns.values().all(|conn| conn.place != Some(*place));
        let idle = self.logins.iter().filter(|(place, _)| empty(place));
        let mut idle: Vec<_> = idle.map(|(place, debt)| (debt.paid_at(), *place)).collect();
        idle.sort();
        for (_, place) in idle.iter().rev().skip(self.config.max_connections) {
            self.logins.remove(place);
        }
    }
}
