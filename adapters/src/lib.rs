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

#[cfg(feature = "exchange")]
pub mod api;
pub mod authenticate;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "exchange")]
mod door;
#[cfg(feature = "exchange")]
pub mod exchange;
pub mod forwarded;
#[cfg(feature = "exchange")]
mod handle;
pub mod http;
pub mod line;
#[cfg(feature = "exchange")]
pub mod listen;
#[cfg(feature = "exchange")]
pub mod listener;
pub mod nonblocking;
pub mod observe;
pub mod origin;
pub mod peer;
pub mod proxy_protocol;
#[cfg(feature = "exchange")]
pub mod record;
#[cfg(any(feature = "exchange", feature = "webhooks"))]
mod seldom;
mod settings;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "exchange")]
mod stop;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
pub mod tls;
#[cfg(feature = "tokens")]
pub mod token;
#[cfg(feature = "webhooks")]
pub mod webhook;
pub mod wire;

#[cfg(feature = "exchange")]
pub use door::Door;
#[cfg(feature = "exchange")]
pub use handle::Handle;
#[cfg(feature = "exchange")]
pub use listener::Listener;
pub use settings::Settings;
#[cfg(feature = "exchange")]
pub use stop::{Stop, Stopper, stop};
