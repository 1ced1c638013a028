//! What a recording's writer may ask of the hub.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use super::{Exchange, Signal};
use crate::record::Ask;

/// The exchange, as long as it is there.
pub(super) struct Asked<S>(Weak<Exchange<S>>);

impl<S> Asked<S> {
    pub(super) fn new(exchange: &Arc<Exchange<S>>) -> Self {
        Self(Arc::downgrade(exchange))
    }
}

impl<S> fmt::Debug for Asked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl<S: Signal> Ask for Asked<S> {
    fn flush(&self) {
        if let Some(exchange) = self.0.upgrade() {
            exchange.lock().hub.flush();
        }
    }

    fn go_on(&self, started_at: u64, turn: &dyn Fn()) {
        if let Some(exchange) = self.0.upgrade() {
            let hub = &mut exchange.lock().hub;
            hub.flush();
            turn();
            hub.go_on(started_at);
        }
    }
}
