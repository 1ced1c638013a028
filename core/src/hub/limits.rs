//! What connections may cost.

use super::Hub;
use crate::{ConnId, Payload, Problem, Stage, Unit, addresses::Address, rate::Level};

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

    /// Takes word of where a connection comes from.
    pub(super) fn learn_address(&mut self, conn: ConnId, address: Address) {
        match self.conns.get(conn) {
            Some(known) if Stage::from(&known.state) == Stage::Closing => {}
            Some(known) if known.address.is_none() => {
                if self.has_room_for(address) {
                    self.set_address(conn, address);
                } else {
                    self.close_too_many(conn);
                }
            }
            _ => self.stats.stale += 1,
        }
    }

    /// Whether another connection may come from `address`.
    pub(super) fn has_room_for(&self, address: Address) -> bool {
        let limit = self.config.max_connections_per_address;
        limit.is_none_or(|limit| self.addresses.connections(address) < limit)
    }

    pub(super) fn set_address(&mut self, conn: ConnId, address: Address) {
        self.conns[conn].address = Some(address);
        if self.counts_addresses() {
            self.addresses.add(address);
        }
    }

    /// Ends what the connection's address is charged for it.
    pub(super) fn release_address(&mut self, conn: ConnId) {
        if let Some(address) = self.conns[conn].address
            && self.counts_addresses()
        {
            self.addresses.remove(self.now, address, self.config.max_connections);
        }
    }

    pub(super) fn counts_addresses(&self) -> bool {
        self.config.max_connections_per_address.is_some() || self.config.login_rate.is_some()
    }

    /// Charges the connection's address for a login attempt. Returns whether it may be made; if
    /// not, that has been dealt with.
    pub(super) fn may_try_login(&mut self, conn: ConnId) -> bool {
        let (Some(rate), Some(address)) = (self.config.login_rate, self.conns[conn].address) else {
            return true;
        };
        match self.addresses.charge_login(self.now, rate, address) {
            Level::Within => return true,
            Level::Over => self.refuse(conn, Problem::TooManyLogins),
            Level::FarOver => self.close_too_fast(conn),
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instant};

    #[test]
    fn addresses_are_counted_only_where_they_are_limited() {
        for (limit, counted) in [(None, 0), (Some(5), 1)] {
            let config = Config { max_connections_per_address: limit, ..Config::default() };
            let mut hub: Hub<&str> = Hub::new(config, 1, Instant::ZERO);
            let address = core::net::Ipv4Addr::LOCALHOST.into();
            assert!(hub.connect(Instant::ZERO, Some(address)).is_ok());
            assert_eq!(hub.addresses.total(), counted);
        }
    }
}
