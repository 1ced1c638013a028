//! For the tests of whatever is built on Switchboard: a hub in virtual time, and clients to put to
//! work.
//!
//! A [`World`] is a hub with a clock that only moves when it is told to
//! ([`pass`](World::pass)), and with clients that log in, send, read, fall silent and leave. There
//! is no socket, no thread and no sleep, so a test takes microseconds, and comes out the same each
//! time. What should have come and did not is told by a panic that says what was expected, of
//! whom, what came, and when in virtual time.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchboard_testing::{CloseReason, Config, World, message};
//!
//! let mut world = World::new(Config::default());
//! let [alice, bob] = world.log_in(["alice", "bob"]);
//!
//! world.send(alice, "bob", "hello");
//! world.expect_message(bob, "hello");
//!
//! // What the server's own logic does from outside.
//! assert_eq!(world.push_to_all("tea is ready"), 2);
//! world.expect(alice, [message("tea is ready")]);
//! world.expect(bob, [message("tea is ready")]);
//!
//! // Whoever does not log in is closed after ten seconds.
//! let mallory = world.connect();
//! world.pass(Duration::from_secs(10));
//! world.expect_close(mallory, CloseReason::LoginTimeout);
//! ```
//!
//! # Who reads
//!
//! In [`World::new`], clients do as a browser does: they read at once, answer pings, and hang up
//! when they are told to go. [`stop_reading`](World::stop_reading) and
//! [`fall_silent`](World::fall_silent) make one that is in trouble. In [`World::by_hand`], nobody
//! reads or answers until the test does it for them, which shows what the hub does between.
//!
//! # Beside the model
//!
//! [`World::with_model`] has every step of a world compared with the naive model of the hub in
//! `switchboard-model`: a test of one's own then checks the hub as well. It takes time that grows
//! with the number of clients, so it is not for crowds.

mod beside;
mod clients;
mod expect;
mod outside;
mod received;
mod world;

pub use received::{Received, closed, gap, logged_in, message, problem};
pub use world::{Text, World, name};

// What the words of a test are made of, so that a test needs no further crate.
pub use switchboard_core::{
    Authentication, CloseReason, Config, ConnId, Denial, DuplicateUid, Event, Fault, Heartbeat,
    Instant, Kick, Problem, Rate, Refused, RingLimit, SlowReader, Stage, Target, Ticket,
    TimeoutReason, Verdict,
};
