//! Expectations, and what is said if they are not met.

use switchboard_core::{CloseReason, ConnId};

use crate::{Received, World, closed, gap, message, problem};

impl World {
    /// A client has received this and nothing else since it was asked last.
    ///
    /// # Panics
    /// If it has not. This, and what follows, say whose receiving it is about, when in virtual time
    /// that is, what was expected and what came.
    ///
    /// ```should_panic
    /// # use switchboard_testing::{Config, World, message};
    /// # let mut world = World::new(Config::default());
    /// # let [alice, bob] = world.log_in(["alice", "bob"]);
    /// world.send(alice, "bob", "hello");
    /// world.expect(bob, [message("goodbye")]);
    /// // bob, after 0ns
    /// //   expected the message "goodbye"
    /// //   received the message "hello"
    /// ```
    #[track_caller]
    pub fn expect(&mut self, conn: ConnId, expected: impl IntoIterator<Item = Received>) {
        let expected: Vec<_> = expected.into_iter().collect();
        let received = self.pull(conn);
        self.judge(conn, &expected, &received);
    }

    /// This is the next thing that a client has received.
    ///
    /// # Panics
    /// If it has received something else, or nothing.
    #[track_caller]
    pub fn expect_next(&mut self, conn: ConnId, expected: Received) {
        let received: Vec<_> = self.pull_one(conn).into_iter().collect();
        self.judge(conn, &[expected], &received);
    }

    /// The next thing is a message.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn expect_message(&mut self, conn: ConnId, text: &str) {
        self.expect_next(conn, message(text));
    }

    /// The next thing is that a request was refused, with this text.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn expect_problem(&mut self, conn: ConnId, text: &str) {
        self.expect_next(conn, problem(text));
    }

    /// The next thing is that so many messages were missed.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn expect_gap(&mut self, conn: ConnId, missed: u64) {
        self.expect_next(conn, gap(missed));
    }

    /// The next thing is a ping, for a client that does not [answer](World::fall_silent) it.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn expect_ping(&mut self, conn: ConnId) {
        self.expect_next(conn, Received::Ping);
    }

    /// The next thing, and the last, is a close for this reason.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn expect_close(&mut self, conn: ConnId, reason: CloseReason) {
        self.expect(conn, [closed(reason)]);
    }

    /// Nothing has come.
    ///
    /// # Panics
    /// If something has.
    #[track_caller]
    pub fn expect_nothing(&mut self, conn: ConnId) {
        self.expect(conn, []);
    }

    #[track_caller]
    fn judge(&self, conn: ConnId, expected: &[Received], received: &[Received]) {
        assert!(
            expected == received,
            "{}, after {:?}\n  expected {}\n  received {}",
            self.who(conn),
            self.elapsed(),
            list(expected),
            list(received),
        );
    }
}

fn list(received: &[Received]) -> String {
    if received.is_empty() {
        return "nothing".into();
    }
    received.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
