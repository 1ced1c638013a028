//! A client's program.

use crate::plan::Actor;

pub(crate) struct Client {
    pub(crate) actor: Actor,
    /// Its connection, if it has one.
    pub(crate) wire: Option<usize>,
    /// It does not read.
    pub(crate) is_stalled: bool,
    /// It is about to come back.
    pub(crate) is_returning: bool,
}

impl Client {
    pub(crate) fn new(actor: Actor) -> Self {
        Self { actor, wire: None, is_stalled: false, is_returning: false }
    }
}
