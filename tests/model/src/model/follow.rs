//! What the model leaves to the hub, and follows.

use switchboard_core::{CloseReason, ConnId, Event, Hub, Output, Payload, Stage};

use super::Model;

impl Model {
    /// Closes the connection that the hub closed in the course of its outputs, if there is one. Whom
    /// a walk tells next, and so when a slow reader is closed, is the hub's choice.
    ///
    /// # Errors
    /// Says so if there was no reason to close it, or if there are several.
    pub fn follow_close<P: Payload>(
        &mut self,
        hub: &Hub<P>,
        output: Option<&Output<P>>,
    ) -> Result<(), String> {
        let differs = |id: &ConnId| hub.stage(*id) != self.stage(*id);
        let closed: Vec<_> = self.ids().filter(differs).collect();
        let &[conn] = closed.as_slice() else {
            return if closed.is_empty() {
                Ok(())
            } else {
                Err(format!("one output closed all of {closed:?}"))
            };
        };
        let reason = match output {
            Some(Output::Event(Event::Closed { conn: told, reason, .. })) if *told == conn => {
                reason.clone()
            }
            // It is a walk that went on to tell somebody else.
            _ => CloseReason::TooSlow,
        };
        let may = match &reason {
            _ if hub.stage(conn) != Stage::Closing => false,
            CloseReason::TooSlow => self.is_too_slow(conn),
            CloseReason::Shutdown => self.drains_at_once(),
            _ => false,
        };
        if !may {
            return Err(format!("{conn:?} was closed for no reason: {reason:?}"));
        }
        self.close(conn, reason);
        Ok(())
    }
}
