//! Who is told of logins and logouts.

use std::fmt::Debug;

use switchboard_core::Event;

/// Is told of each change in who is online, in the hub's order.
///
/// It is told while the hub is locked, so that the order holds: it must not block and should be
/// quick, as everybody waits for it. It must not call the server that it observes.
pub trait Observe: Debug + Send + Sync {
    /// Something has happened.
    fn observe(&self, event: &Event);
}
