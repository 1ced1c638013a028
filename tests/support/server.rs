//! A server in this process.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    thread::{self, JoinHandle},
};

use socket2::SockRef;
use switchboard::{Settings, Stop, Stopper, listen};

use crate::{Client, mio_server};

/// Which adapter carries a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// `switchboard::smol`.
    Smol,
    /// `switchboard::blocking`.
    Blocking,
    /// The example.
    Mio,
}

impl Adapter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Smol, Self::Blocking, Self::Mio];

    fn serve(self, listener: TcpListener, settings: &Settings, stop: &Stop) -> io::Result<()> {
        match self {
            Self::Smol => switchboard::smol::serve(listener, settings, stop),
            Self::Blocking => switchboard::blocking::serve(listener, settings, stop),
            Self::Mio => mio_server::serve(listener, settings, stop),
        }
    }
}

/// A server on a free port, which is stopped when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Server {
    /// Starts one.
    pub fn start(adapter: Adapter, settings: Settings) -> Self {
        Self::start_on(listen::bind_tcp("127.0.0.1:0").expect("a free port"), adapter, settings)
    }

    /// Starts one whose sockets can take about `bytes` that the client does not read.
    pub fn start_with_send_buffer(bytes: usize, adapter: Adapter, settings: Settings) -> Self {
        let listener = listen::bind_tcp("127.0.0.1:0").expect("a free port");
        // Accepted sockets inherit it.
        SockRef::from(&listener).set_send_buffer_size(bytes).expect("a TCP socket");
        Self::start_on(listener, adapter, settings)
    }

    fn start_on(listener: TcpListener, adapter: Adapter, settings: Settings) -> Self {
        let address = listener.local_addr().expect("a bound listener has an address");
        let (stopper, stop) = switchboard::stop();
        let thread = thread::spawn(move || adapter.serve(listener, &settings, &stop));
        Self { address, stopper, thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client that has connected and not logged in.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// A client that has logged in.
    pub fn log_in(&self, uid: &str) -> Client {
        Client::log_in(self.address, uid)
    }

    /// Has it begin to stop. Dropping it waits for the end.
    pub fn stop(&self) {
        self.stopper.stop();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopper.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.expect("it is dropped once").expect("no panic").expect("an orderly end");
        }
    }
}
