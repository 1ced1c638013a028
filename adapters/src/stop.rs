//! Telling a server to stop.

use std::convert::Infallible;

use async_channel::{Receiver, Sender};

/// A pair: the one tells, the other is told.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = async_channel::bounded(1);
    (Stopper(sender), Stop(receiver))
}

/// Stops the servers that hold the other half, when told to or when dropped.
#[derive(Debug)]
pub struct Stopper(Sender<Infallible>);

impl Stopper {
    /// Stops them.
    pub fn stop(&self) {
        self.0.close();
    }
}

/// Waits to be stopped. The channel carries nothing; that it closes is the signal, which reaches
/// every clone, whether it waits as a task or as a thread.
#[derive(Clone, Debug)]
pub struct Stop(Receiver<Infallible>);

impl Stop {
    /// Waits as a task.
    pub async fn stopped(&self) {
        let _ = self.0.recv().await;
    }

    /// Waits as a thread.
    pub fn wait(&self) {
        let _ = self.0.recv_blocking();
    }

    /// Whether the time has come.
    pub fn is_stopped(&self) -> bool {
        self.0.is_closed()
    }
}
