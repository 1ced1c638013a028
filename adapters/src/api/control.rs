//! What other systems may do with a hub, whoever has it.

use std::fmt::Debug;

use switchboard_core::{Instant, Kick, Name, Problem, Session, Stats, Target};

use crate::wire::Text;

/// Pushes, closes users, and tells who is online: the HTTP API's way to the hub, and that of a
/// program that a server is part of.
pub trait Control: Send + Sync {
    /// Sends a message. Returns how many connections it is for.
    ///
    /// # Errors
    /// Nobody gets it.
    fn push(&self, to: Target<'_>, message: Text) -> Result<usize, Problem>;

    /// Closes whoever is logged in with this uid. Returns how many connections those were.
    fn kick(&self, uid: Name<'_>, kick: &Kick) -> usize;

    /// Who is online, in the order of the uids' bytes, from behind `after` on: at most `limit` uids,
    /// each with its number of connections.
    fn users(&self, after: Option<&str>, limit: usize) -> Vec<(String, usize)>;

    /// The connections that are logged in with this uid, the oldest login first, and the time.
    fn sessions(&self, uid: Name<'_>) -> (Vec<Session>, Instant);

    /// How the hub is.
    fn report(&self) -> Report;
}

/// How a hub is.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Its counters.
    pub stats: Stats,
    /// The time since it was made.
    pub now: Instant,
    /// Whether what it decides is carried out.
    pub is_lively: bool,
    /// Whether it was told to shut down.
    pub is_stopping: bool,
    /// The connections that it may have.
    pub max_connections: usize,
}
