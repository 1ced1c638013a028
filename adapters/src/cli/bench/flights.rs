//! The messages on the way: who is still to receive each.
//!
//! Each sending thread has a ring of slots, which all threads count down as deliveries come in.

use std::sync::atomic::{AtomicU64, Ordering};

/// As many messages of a thread can be on the way; of those before them, nobody knows the last
/// delivery.
pub(super) const SLOTS: u64 = 1 << 17;

/// All messages on the way.
#[derive(Debug)]
pub(super) struct Flights {
    rings: Vec<Box<[AtomicU64]>>,
}

/// What a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Others are to come.
    Counted,
    /// The last.
    Last,
    /// More than there are recipients.
    Surplus,
    /// Of a message that was given up.
    Late,
}

impl Flights {
    pub(super) fn new(threads: usize) -> Self {
        let ring = || (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        Self { rings: (0..threads).map(|_| ring()).collect() }
    }

    /// A message is sent to so many.
    pub(super) fn start(&self, seq: u64, recipients: usize) {
        let (slot, lap) = self.slot(seq);
        slot.store(lap | recipients as u64 & u64::from(u32::MAX), Ordering::Release);
    }

    /// One of them has it.
    pub(super) fn arrive(&self, seq: u64) -> Delivery {
        let (slot, lap) = self.slot(seq);
        let count = |value: u64| (value >> 32 == lap >> 32 && value as u32 > 0).then(|| value - 1);
        match slot.fetch_update(Ordering::AcqRel, Ordering::Acquire, count) {
            Ok(before) if before as u32 == 1 => Delivery::Last,
            Ok(_) => Delivery::Counted,
            Err(value) if value == lap => Delivery::Surplus,
            Err(_) => Delivery::Late,
        }
    }

    /// Whether everybody has it.
    pub(super) fn is_complete(&self, seq: u64) -> bool {
        let (slot, lap) = self.slot(seq);
        slot.load(Ordering::Acquire) == lap
    }

    /// Waits for nobody else. Returns whether somebody was waited for.
    pub(super) fn give_up(&self, seq: u64) -> bool {
        let (slot, lap) = self.slot(seq);
        let end = |value: u64| (value >> 32 == lap >> 32 && value as u32 > 0).then_some(0);
        slot.fetch_update(Ordering::AcqRel, Ordering::Acquire, end).is_ok()
    }

    /// A message's slot, and the upper half that is the message's own.
    fn slot(&self, seq: u64) -> (&AtomicU64, u64) {
        let threads = self.rings.len() as u64;
        let index = seq / threads;
        let lap = (index / SLOTS + 1) << 32;
        (&self.rings[(seq % threads) as usize][(index % SLOTS) as usize], lap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_told() {
        let flights = Flights::new(3);
        flights.start(0, 2);
        flights.start(1, 1);
        assert_eq!(flights.arrive(0), Delivery::Counted);
        assert_eq!(flights.arrive(1), Delivery::Last);
        assert!(flights.is_complete(1) && !flights.is_complete(0));
        assert_eq!(flights.arrive(0), Delivery::Last);
        assert_eq!(flights.arrive(0), Delivery::Surplus);
        assert!(!flights.give_up(0));
    }

    #[test]
    fn what_is_given_up_is_late() {
        let flights = Flights::new(1);
        flights.start(5, 2);
        assert!(flights.give_up(5));
        assert!(!flights.give_up(5));
        assert_eq!(flights.arrive(5), Delivery::Late);
        flights.start(6, 1);
        flights.start(6 + SLOTS, 1);
        assert_eq!(flights.arrive(6), Delivery::Late);
        assert_eq!(flights.arrive(6 + SLOTS), Delivery::Last);
    }
}
