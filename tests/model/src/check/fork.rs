//! What whoever explores many worlds needs of one.

use std::time::Duration;

use switchboard_core::{ConnId, Hub, HubState};

use super::World;
use crate::{Message, Op};

impl World {
    /// The same world once more.
    ///
    /// # Panics
    /// If a hub cannot be restored from its state.
    pub fn fork(&self) -> Self {
        Self { pair: self.pair.fork(), tickets: self.tickets.clone(), ..*self }
    }

    /// The hub.
    pub fn hub(&self) -> &Hub<Message> {
        self.pair.hub()
    }

    /// What counts of the hub's state for the future, with connections named by their slots, the
    /// first ones of which are in use.
    pub fn canonical(&self, slots: usize) -> HubState<Message> {
        self.pair.hub().save().canonical(&self.slots[..slots], |message| message.id = 0)
    }

    /// The last connection of a slot.
    pub fn conn(&self, slot: usize) -> ConnId {
        self.slots[slot]
    }

    /// Whether it has not been forgotten.
    pub fn is_there(&self, slot: usize) -> bool {
        self.pair.is_known(self.slots[slot])
    }

    /// The slots whose connections were told that they have something to pull, and have not been
    /// pulled empty since.
    pub fn told(&self) -> Vec<usize> {
        let told = self.pair.told();
        (0..Op::SLOTS).filter(|slot| told.contains(&self.slots[*slot])).collect()
    }

    /// The time until the hub wants a timeout, if it wants one.
    pub fn until_timeout(&self) -> Option<Duration> {
        let deadline = self.hub().poll_timeout()?;
        Some(deadline.at.saturating_since(self.clock))
    }
}
