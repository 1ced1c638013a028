//! A server, for the program that it is part of.

use std::{fmt, sync::Arc};

use switchboard_core::{Kick, Name, NameError, Problem, Stats, Target};

use crate::api::Control;

/// Reaches a server from within its program: pushes messages, closes users, tells who is online.
/// A clone reaches the same one. When the server has ended there is nobody left to reach.
#[derive(Clone)]
pub struct Handle(Arc<dyn Control>);

impl Handle {
    /// Reaches what an adapter of your own has.
    pub fn new(control: Arc<dyn Control>) -> Self {
        Self(control)
    }

    /// Sends a message to whoever is logged in with this uid, or to everybody for `all`, as the
    /// text dialect does. Returns how many connections it is for.
    ///
    /// # Errors
    /// Nobody is, the message is too large, or this is no uid.
    pub fn push(&self, to: &str, message: &str) -> Result<usize, Problem> {
        let to = match to {
            Name::EVERYONE => Target::Everyone,
            uid => Target::User(Name::new(uid)?),
        };
        self.0.push(to, message.into())
    }

    /// Closes whoever is logged in with this uid. Returns how many connections those were.
    ///
    /// # Errors
    /// This is no uid.
    pub fn kick(&self, uid: &str, kick: &Kick) -> Result<usize, NameError> {
        Ok(self.0.kick(Name::new(uid)?, kick))
    }

    /// Who is online, in the order of the uids' bytes, from behind `after` on: at most `limit` uids,
    /// each with its number of connections.
    pub fn users(&self, after: Option<&str>, limit: usize) -> Vec<(String, usize)> {
        self.0.users(after, limit)
    }

    /// The hub's counters and current figures.
    pub fn stats(&self) -> Stats {
        self.0.report().stats
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
