//! What the tests have in common: a server of each kind on a free port, and a client.

mod cases;
mod certificate;
mod client;
mod echo;
mod eventually;
mod http_client;
mod other_server;
pub mod peer_fuzz;
mod process;
mod server;
pub mod trace_fuzz;
mod wasi;

pub use cases::cases;
pub use certificate::Certificate;
pub use client::{Client, Heard};
pub use echo::Echo;
pub use eventually::eventually;
pub use http_client::{Answer, HttpClient};
pub use other_server::{OtherServer, Quirk};
pub use process::Process;
pub use server::{Adapter, Server};
pub use wasi::WasiServer;

/// The example of a third adapter, tested like the others.
#[path = "../../examples/mio_server.rs"]
pub mod mio_server;
