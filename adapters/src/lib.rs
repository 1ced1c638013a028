//! What carries the [hub](switchboard_core::Hub) into the world: sockets, the clock, tasks and
//! threads.
//!
//! There are two adapters, [`smol`] and [`blocking`], with one function each: `serve`. They share
//! [`exchange`], which puts the hub behind a lock and has its outputs carried out, and [`wire`],
//! which translates between WebSocket messages and the hub's inputs and frames. For runtimes that
//! poll, there is [`nonblocking`].
//!
//! No module of this crate decides who receives what, who may log in, or when somebody is to be
//! closed. All of that is in `switchboard-core`.

#[cfg(feature = "blocking")]
pub mod blocking;
pub mod cli;
pub mod exchange;
pub mod listen;
pub mod nonblocking;
pub mod paced;
mod settings;
#[cfg(feature = "smol")]
pub mod smol;
mod stop;
pub mod wire;

pub use settings::Settings;
pub use stop::{Stop, Stopper, stop};
