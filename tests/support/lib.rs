//! What the tests have in common: a server of each kind on a free port, and a client.

mod certificate;
mod client;
mod eventually;
pub mod peer_fuzz;
mod process;
mod server;

pub use certificate::Certificate;
pub use client::{Client, Heard};
pub use eventually::eventually;
pub use process::Process;
pub use server::{Adapter, Server};

/// The example of a third adapter, tested like the others.
#[path = "../../examples/mio_server.rs"]
pub mod mio_server;
