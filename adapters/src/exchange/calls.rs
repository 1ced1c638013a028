//! What the hub's outputs call for.

use switchboard_core::{Event, Output, Ticket};

use super::Shared;
use crate::wire::Text;

/// What is to be done once the lock is released.
pub(super) struct Calls<S> {
    /// Those who have something to pull.
    pub(super) ready: Vec<S>,
    pub(super) others: Vec<Call<S>>,
}

pub(super) enum Call<S> {
    Cut(S),
    Check(Ticket, Text),
    Log(Event),
}

impl<S> Default for Calls<S> {
    fn default() -> Self {
        Self { ready: Vec::new(), others: Vec::new() }
    }
}

impl<S: Clone> Shared<S> {
    /// Takes up to `limit` outputs of the hub. Returns whether there may be more.
    pub(super) fn carry_out(&mut self, limit: usize, calls: &mut Calls<S>) -> bool {
        for _ in 0..limit {
            match self.hub.poll_output() {
                None => return false,
                Some(Output::Ready { conn }) => {
                    calls.ready.extend(self.signals.get(conn).cloned());
                }
                Some(Output::Drop { conn }) => {
                    calls.others.extend(self.signals.remove(conn).map(Call::Cut));
                }
                Some(Output::Check { ticket, credential, .. }) => {
                    calls.others.push(Call::Check(ticket, credential));
                }
                Some(Output::Event(event)) => {
                    if let Some(observer) = &self.observer {
                        observer.observe(&event);
                    }
                    calls.others.push(Call::Log(event));
                }
            }
        }
        true
    }
}
