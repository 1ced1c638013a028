//! What carries the [hub](switchboard_core::Hub) into the world: sockets, the clock, tasks and
//! threads.
//!
//! There are two adapters, [`smol`] and [`blocking`], each with a `Server`, which has a [`Handle`] for
//! the program that it is part of, and a function `serve` for who needs none. They share
//! [`exchange`], which puts the hub behind a lock and has its outputs carried out, and [`peer`], which
//! turns bytes into what a client said and what it is sent into bytes. For runtimes that poll, there
//! is [`nonblocking`].
//!
//! No module of this crate decides who receives what, who may log in, or when somebody is to be
//! closed. All of that is in `switchboard-core`.

pub mod api;
pub mod authenticate;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "cli")]
pub mod cli;
mod door;
pub mod exchange;
pub mod forwarded;
mod handle;
pub mod http;
pub mod line;
pub mod listen;
pub mod listener;
pub mod nonblocking;
pub mod observe;
pub mod origin;
pub mod peer;
pub mod proxy_protocol;
pub mod record;
mod seldom;
mod settings;
#[cfg(feature = "smol")]
pub mod smol;
mod stop;
pub mod tls;
pub mod token;
#[cfg(feature = "webhooks")]
pub mod webhook;
pub mod wire;

pub use door::Door;
pub use handle::Handle;
pub use listener::Listener;
pub use settings::Settings;
pub use stop::{Stop, Stopper, stop};
