//! Who is told of logins and logouts.

use std::{fmt::Debug, time::Duration};

use switchboard_core::Event;

/// Is told of each change in who is online, in the hub's order.
///
/// It is told while the hub is locked, so that the order holds: it must not block and should be
/// quick, as everybody waits for it. It must not call the server that it observes.
pub trait Observe: Debug + Send + Sync {
    /// Something has happened.
    fn observe(&self, event: &Event);

    /// How what it passes on elsewhere fares, for metrics.
    fn queue(&self) -> Option<Queue> {
        None
    }
}

/// What waits to be passed on, and what has become of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Events that wait.
    pub waiting: usize,
    /// The age of the oldest of them.
    pub oldest: Option<Duration>,
    /// Events that were passed on.
    pub delivered: u64,
    /// Events for which there was no room.
    pub dropped: u64,
    /// Attempts that failed.
    pub failures: u64,
}
