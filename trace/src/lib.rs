//! A hub's day on record.
//!
//! The hub decides by nothing but its inputs and the order in which it is asked. So whoever writes
//! these down can have the day again, message by message, wherever the core runs: a
//! [`Recorded`] hub does, and a [`Replay`] proves by a [`Digest`] that everybody was told the same.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use switchboard_core::{Config, Hub, Input, Instant, Name, Request};
//! use switchboard_trace::{Bodies, Recorded, Tape, Trace};
//!
//! let file = Arc::new(Mutex::new(Vec::new()));
//! let writes = Arc::clone(&file);
//! let now = Instant::ZERO;
//! let hub: Hub<&str> = Hub::new(Config::default(), 0, now);
//! let tape = Tape::new(&hub, now, 0, Bodies::Whole, move |bytes| writes.lock().unwrap().extend(bytes));
//! let mut hub = Recorded::new(hub, Some(tape));
//!
//! let conn = hub.connect(now, None)?;
//! let request = Request::Login(Name::new("alice")?);
//! hub.handle(now, Input::Request { conn, request, size: 5 });
//! while hub.poll_frame(conn).is_some() {}
//! hub.flush();
//!
//! let file = file.lock().unwrap();
//! let (mut replay, blocks) = Trace::new(&file)?.replay()?;
//! for block in blocks {
//!     replay.play(block?, &mut ())?;
//! }
//! assert_eq!(Some(replay.digest()), hub.digest());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The file
//!
//! It begins with [`MAGIC`] and the version. Then come blocks: the size and the CRC-32 of what
//! follows, both as four bytes, least significant first, and so many bytes. The first has the
//! [`Header`]. If it [goes on](Header::is_continued) where another file ends, the next have the hub's
//! [state](switchboard_core::HubState), cut into parts, each behind a byte that is 1 in the last one and
//! 0 before. Each other has a [`Checkpoint`] and the [operations](Op) that lead to it. All is as
//! [postcard](https://postcard.jamesmunns.com/wire-format) writes it. A block says the same
//! whatever became of those behind it: a torn file is good up to where it is torn.

#![no_std]

extern crate alloc;

mod beginning;
mod digest;
mod explain;
mod file;
mod op;
mod recorded;
mod replay;
mod tape;

pub use beginning::Beginning;
pub use digest::{Digest, hash};
pub use explain::{Account, Explain, Fate, Filter, Sender};
pub use file::{Block, Blocks, Checkpoint, Header, MAGIC, Trace, TraceError, VERSION};
pub use op::{Body, Content, Op};
pub use recorded::Recorded;
pub use replay::{Message, Observer, Replay, ReplayError};
pub use tape::{Bodies, Tape};
