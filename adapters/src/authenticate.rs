//! Who may log in, and as whom: where an embedder's own check goes.

use std::fmt::Debug;

use switchboard_core::{Denial, Name, Verdict};

/// Says whose a credential is.
///
/// With one of these in [`Settings::authenticate`](crate::Settings::authenticate), a client's uid is
/// not what it says, but what its credential is for: its first message, or the token that came with
/// its request to become a WebSocket, as `Authorization: Bearer TOKEN` (RFC 6750, 2.1) or as
/// `?token=TOKEN`.
pub trait Authenticate: Debug + Send + Sync {
    /// Checks a credential. Called on the task or thread of a connection, which serves others, too:
    /// what takes time has to be done elsewhere, with `answer` taken along. The client waits for it
    /// no longer than its login time.
    fn authenticate(&self, credential: &str, answer: Answer);
}

/// Takes the answer to [`Authenticate::authenticate`], from any thread. Dropped without one, it
/// answers that the credential [cannot be checked](Denial::Unavailable).
pub struct Answer {
    give: Option<Give>,
}

type Give = Box<dyn FnOnce(Verdict<'_>) + Send>;

impl Answer {
    /// Gives the answer to `give`, for an adapter of your own to feed as [`Input`](switchboard_core::Input).
    pub fn new(give: impl FnOnce(Verdict<'_>) + Send + 'static) -> Self {
        Self { give: Some(Box::new(give)) }
    }

    /// The credential is that of `uid`. One that cannot be a uid is denied.
    pub fn accept(self, uid: &str) {
        self.give(Name::new(uid).map_or(Verdict::Denied(Denial::Forbidden), Verdict::Accepted));
    }

    /// The credential is good for nothing.
    pub fn deny(self, why: Denial) {
        self.give(Verdict::Denied(why));
    }

    fn give(mut self, verdict: Verdict<'_>) {
        if let Some(give) = self.give.take() {
            give(verdict);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(give) = self.give.take() {
            give(Verdict::Denied(Denial::Unavailable));
        }
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
