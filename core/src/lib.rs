//! The push server as a state machine: who is online, and who receives what.
//!
//! There is no socket, clock, thread or random number in this crate. An *adapter* owns those. It
//! tells the [`Hub`] what happens as [`Input`]s, each with the time at which it happens, and carries
//! out the [`Output`]s:
//!
//! ```text
//!   accept   -> connect        poll_output -> Ready { conn }   pull and write its frames
//!   read     -> handle(Input)                 Drop { conn }    drop its socket
//!   a timer  -> Input::Timeout                Event(..)        log it, count it
//!                                             Check { .. }     ask who can tell
//!                              poll_frame(conn) -> Frame       what to write next
//!                              poll_timeout     -> Deadline    when to call again
//! ```
//!
//! The [`text`] module translates between WebSocket text messages and the hub's requests and
//! frames. The same seed and the same inputs give the same outputs on every platform.
//!
//! # Example
//!
//! ```
//! use switchboard_core::{Config, Frame, Hub, Input, Instant, Name, Output, Request, Target};
//!
//! let now = Instant::ZERO;
//! let mut hub: Hub<&str> = Hub::new(Config::default(), 0, now);
//! let alice = hub.connect(now, None)?;
//! let bob = hub.connect(now, None)?;
//! for (conn, uid) in [(alice, "alice"), (bob, "bob")] {
//!     let request = Request::Login(Name::new(uid)?);
//!     hub.handle(now, Input::Request { conn, request, size: uid.len() });
//!     while hub.poll_frame(conn).is_some() {}
//! }
//!
//! let to = Target::User(Name::new("bob")?);
//! let request = Request::Send { to, payload: "hello" };
//! hub.handle(now, Input::Request { conn: alice, request, size: 9 });
//!
//! let ready = |output: &Output<&str>| *output == Output::Ready { conn: bob };
//! assert!(core::iter::from_fn(|| hub.poll_output()).any(|output| ready(&output)));
//! assert!(matches!(hub.poll_frame(bob), Some(Frame::Message { payload: "hello", .. })));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

#![no_std]

extern crate alloc;

mod addresses;
mod close;
mod config;
mod conn;
mod conns;
mod credential;
mod hub;
mod index;
mod input;
mod kick;
mod marks;
mod name;
mod output;
mod payload;
mod presence;
mod rate;
mod shutdown;
#[cfg(feature = "serde")]
mod state;
pub mod text;
mod time;
mod timers;
mod topic;
#[cfg(any(test, feature = "testing", feature = "serde"))]
mod unread;
mod watch;

pub use close::{CloseReason, Closes};
pub use config::{Config, DuplicateUid, Heartbeat, RingLimit, SlowReader};
pub use conn::{ConnId, Stage};
pub use credential::{Authentication, Denial, Ticket, Verdict};
pub use hub::Hub;
pub use input::{Fault, Input, Request, Target};
pub use kick::{Kick, KickError};
#[cfg(any(test, feature = "testing"))]
pub use marks::{Mark, Marks};
pub use name::{Name, NameError};
pub use output::{
    Deadline, Event, Frame, Login, Output, Problem, Refused, Stats, TimeoutReason, Unit,
};
pub use payload::Payload;
pub use presence::{Session, User};
pub use rate::Rate;
#[cfg(feature = "serde")]
pub use state::{HubState, RestoreError};
pub use time::Instant;
