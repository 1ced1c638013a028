//! What happens from outside: other systems, who checks credentials, and the server's own end.

use std::time::Duration;

use switchboard_core::{
    ConnId, Denial, Event, Input, Kick, Problem, Request, Target, Ticket, Verdict,
};

use crate::{World, world::name};

/// Says whose a credential is, or why nobody's.
pub(crate) type Checker = Box<dyn FnMut(&str) -> Result<String, Denial>>;

impl World {
    /// Has another system send a message; tells how many connections it is for.
    ///
    /// # Errors
    /// Nobody gets it.
    pub fn push(&mut self, to: Target<'_>, text: &str) -> Result<usize, Problem> {
        let payload = self.text(text);
        let taken = self.hub.push(self.now, to, payload.clone());
        if let Some(beside) = &mut self.beside {
            beside.pushed(self.now, to, &payload, &taken);
        }
        self.carry_out();
        taken
    }

    /// Has another system send a message to a uid; tells how many connections it is for, which is
    /// none if the push is refused.
    pub fn push_to(&mut self, uid: &str, text: &str) -> usize {
        self.push(Target::User(name(uid)), text).unwrap_or(0)
    }

    /// Has another system send a message to everybody; tells how many connections it is for, which
    /// is none if the push is refused.
    pub fn push_to_all(&mut self, text: &str) -> usize {
        self.push(Target::Everyone, text).unwrap_or(0)
    }

    /// Has another system close a user; tells how many connections that were.
    pub fn kick(&mut self, uid: &str, kick: &Kick) -> usize {
        let kicked = self.hub.kick(self.now, name(uid), kick);
        if let Some(beside) = &mut self.beside {
            beside.kicked(self.now, uid, kick, kicked);
        }
        self.carry_out();
        kicked
    }

    /// Stops the server over some time.
    pub fn shut_down(&mut self, over: Duration) {
        self.handle(Input::Shutdown { over });
    }

    /// The events since this was asked last.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Shows a credential; returns the ticket if it is to be checked and nobody does so.
    pub fn authenticate(&mut self, conn: ConnId, credential: &str) -> Option<Ticket> {
        let payload = self.text(credential);
        self.request(conn, Request::Authenticate(payload.clone()));
        let check = self.checks.iter().position(|(.., text)| *text == payload)?;
        let (ticket, who, _) = self.checks.remove(check);
        assert_eq!(who, conn, "after {:?}: the check of another", self.elapsed());
        Some(ticket)
    }

    /// The answer to a check, at last.
    pub fn verdict(&mut self, ticket: Ticket, verdict: Verdict<'_>) {
        self.handle(Input::Verdict { ticket, verdict });
    }

    /// From here on, credentials are checked at once, by `check`, which says whose it is or why
    /// nobody's.
    ///
    /// ```
    /// use switchboard_testing::{Authentication, Config, Denial, World, logged_in, problem};
    ///
    /// let authentication = Authentication::Checked;
    /// let mut world = World::new(Config { authentication, ..Config::default() });
    /// world.check_with(|credential| match credential.strip_prefix("token of ") {
    ///     Some(uid) => Ok(uid.into()),
    ///     None => Err(Denial::Invalid),
    /// });
    /// let conn = world.connect();
    /// world.say(conn, "a guess");
    /// world.say(conn, "token of alice");
    /// world.expect(conn, [problem("the credential is not valid"), logged_in("alice")]);
    /// ```
    pub fn check_with(&mut self, check: impl FnMut(&str) -> Result<String, Denial> + 'static) {
        self.checker = Some(Box::new(check));
    }
}
