//! Where clients come in, and as what.

use crate::Listener;

/// A listener, and what it is for.
#[derive(Debug)]
pub struct Door {
    /// Where it listens.
    pub listener: Listener,
    /// Whether clients may become WebSockets. Default: yes.
    pub websocket: bool,
    /// Whether requests for something else are answered, by the [API](crate::Settings::api) or
    /// what is in [its place](crate::Settings::http). Default: yes.
    pub http: bool,
}

impl<L: Into<Listener>> From<L> for Door {
    fn from(listener: L) -> Self {
        Self { listener: listener.into(), websocket: true, http: true }
    }
}
