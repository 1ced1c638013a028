//! What a recording's writer may ask of the hub.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use switchboard_trace::Beginning;

use super::{Exchange, Signal};
use crate::{record::Ask, wire::Text};

/// The exchange, as long as it is there.
pub(super) struct RecordedHub<S>(Weak<Exchange<S>>);

impl<S> RecordedHub<S> {
    pub(super) fn new(exchange: &Arc<Exchange<S>>) -> Self {
        Self(Arc::downgrade(exchange))
    }
}

impl<S> fmt::Debug for RecordedHub<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordedHub")
    }
}

impl<S: Signal> Ask for RecordedHub<S> {
    fn flush(&self) {
        if let Some(exchange) = self.0.upgrade() {
            exchange.lock().hub.flush();
        }
    }

    fn go_on(&self, started_at: u64, turn: &dyn Fn(Beginning<Text>)) {
        if let Some(exchange) = self.0.upgrade() {
            // Under the lock, so that nothing comes between.
            let hub = &mut exchange.lock().hub;
            hub.go_on(started_at).map(turn);
        }
    }
}
