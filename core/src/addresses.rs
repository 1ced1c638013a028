//! Who comes from where.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;

use crate::{
    Rate,
    rate::{Level, Meter},
    time::Instant,
};

/// What counts as one address: an IPv4 address, in whatever form, or an IPv6 network of 64 bits,
/// which is what a single host usually has at its disposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Address {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// The addresses that have connections, and those whose login attempts are yet to be forgotten.
///
/// An ordered map: there is no hash that hostile addresses could make collide.
#[derive(Default)]
pub(crate) struct Addresses {
    known: BTreeMap<Address, Known>,
    /// Those without connections, by the time at which they can be forgotten.
    idle: BTreeSet<(Instant, Address)>,
}

#[derive(Default)]
struct Known {
    connections: u32,
    logins: Meter,
}

/// Addresses that are forgotten in passing. More than can come in one call, so that what can be
/// forgotten does not pile up.
const FORGET_AT_ONCE: usize = 2;

impl Addresses {
    pub(crate) fn connections(&self, address: Address) -> u32 {
        self.known.get(&address).map_or(0, |known| known.connections)
    }

    /// Counts a new connection.
    pub(crate) fn add(&mut self, address: Address) {
        let known = self.known.entry(address).or_default();
        if known.connections == 0 {
            self.idle.remove(&(known.logins.clear_at(), address));
        }
        known.connections += 1;
    }

    /// Charges an address that has connections for a login attempt.
    pub(crate) fn charge_login(&mut self, now: Instant, rate: Rate, address: Address) -> Level {
        self.known.entry(address).or_default().logins.charge(now, rate, 1)
    }

    /// Counts the end of a connection. Of the addresses without any, at most `max_idle` are kept;
    /// those go first that had the least time left.
    pub(crate) fn remove(&mut self, now: Instant, address: Address, max_idle: usize) {
        let Some(known) = self.known.get_mut(&address) else { return };
        known.connections -= 1;
        if known.connections == 0 {
            self.idle.insert((known.logins.clear_at(), address));
        }
        for _ in 0..FORGET_AT_ONCE {
            let first = self.idle.first();
            let over = self.idle.len() > max_idle;
            let Some(&(_, first)) = first.filter(|(clear_at, _)| over || *clear_at <= now) else {
                return;
            };
            self.idle.pop_first();
            self.known.remove(&first);
        }
    }

    /// Those of which more is known than that they have connections.
    #[cfg(feature = "serde")]
    pub(crate) fn save(&self) -> alloc::vec::Vec<(Address, Meter)> {
        let known = self.known.iter().map(|(address, known)| (*address, known));
        let more = known.filter(|(_, k)| k.connections == 0 || k.logins != Meter::default());
        more.map(|(address, known)| (address, known.logins)).collect()
    }

    /// Takes one that was saved, as one without connections: those are yet to be
    /// [added](Self::add). Returns whether it is a new one.
    #[cfg(feature = "serde")]
    pub(crate) fn restore(&mut self, address: Address, logins: Meter) -> bool {
        self.idle.insert((logins.clear_at(), address));
        self.known.insert(address, Known { connections: 0, logins }).is_none()
    }

    /// How many connections are counted.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn total(&self) -> usize {
        self.known.values().map(|known| known.connections as usize).sum()
    }

    /// The most connections that any address has.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn most_connections(&self) -> u32 {
        self.known.values().map(|known| known.connections).max().unwrap_or(0)
    }

    /// How many are kept without connections.
    ///
    /// # Errors
    /// If those are not the same in both tables.
    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn idle(&self) -> Result<usize, &'static str> {
        let idle = self.known.iter().filter(|(_, known)| known.connections == 0);
        let idle: BTreeSet<_> =
            idle.map(|(address, known)| (known.logins.clear_at(), *address)).collect();
        if idle == self.idle { Ok(idle.len()) } else { Err("idle addresses disagree") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        let address: IpAddr = text.parse().expect("an address");
        address.into()
    }

    #[test]
    fn one_host_is_one_address() {
        assert_eq!(address("192.0.2.1"), address("::ffff:192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:0:0:2"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_ne!(address("::c000:201"), address("192.0.2.1"));
    }

    #[test]
    fn idle_addresses_are_kept_until_they_are_clear_and_in_bounds() {
        let (now, rate) = (Instant::from_micros(1), Rate { per_second: 1, burst: 10 });
        let mut addresses = Addresses::default();
        for host in 0..100 {
            let address = Address::V4(host);
            addresses.add(address);
            addresses.charge_login(now, rate, address);
            addresses.remove(now, address, 10);
            assert_eq!(addresses.idle(), Ok(10.min(host as usize + 1)));
        }
        let later = now + core::time::Duration::from_secs(2);
        for host in 200..210 {
            addresses.add(Address::V4(host));
            addresses.remove(later, Address::V4(host), 10);
        }
        assert!(addresses.known.is_empty() && addresses.idle.is_empty());
    }
    #[test]
    fn the_tables_can_be_asked_whether_they_agree() {
        let [crowd, other] = [Address::V4(1), Address::V4(2)];
        let mut addresses = Addresses::default();
        assert_eq!((addresses.most_connections(), addresses.total()), (0, 0));
        for address in [crowd, other, crowd, crowd] {
            addresses.add(address);
        }
        assert_eq!((addresses.most_connections(), addresses.total()), (3, 4));
        addresses.idle.insert((Instant::ZERO, other));
        assert_eq!(addresses.idle(), Err("idle addresses disagree"));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn what_is_saved_is_what_connections_do_not_tell() {
        let (now, rate) = (Instant::from_micros(1), Rate { per_second: 1, burst: 10 });
        let [idle, charged, new] = [1, 2, 3].map(Address::V4);
        let mut addresses = Addresses::default();
        for address in [idle, charged, new] {
            addresses.add(address);
        }
        addresses.charge_login(now, rate, idle);
        addresses.charge_login(now, rate, charged);
        addresses.remove(now, idle, 10);
        let saved = addresses.save();
        assert!(saved.iter().map(|(address, _)| *address).eq([idle, charged]));
        let mut restored = Addresses::default();
        assert!(saved.iter().all(|(address, logins)| restored.restore(*address, *logins)));
        assert_eq!((restored.idle(), restored.total()), (Ok(2), 0));
        assert!(!restored.restore(idle, saved[0].1), "it is there already");
    }
}
