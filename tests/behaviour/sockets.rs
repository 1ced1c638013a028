//! The table's rows through an adapter: real sockets, and a client for each name.

use std::{collections::BTreeMap, io::Write, net::SocketAddr};

use switchboard_core::Fault;
use switchboard_tests::{Client, Heard, Server, WasiServer};

use crate::{World, table::Step};

/// A server that runs, and stops when it is dropped, at the latest.
pub(crate) trait Running {
    fn address(&self) -> SocketAddr;
    fn stop(&mut self);
}

impl Running for Server {
    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn stop(&mut self) {
        Self::stop(self);
    }
}

impl Running for WasiServer {
    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn stop(&mut self) {
        self.stop();
    }
}

pub(crate) struct SocketWorld<S> {
    // Dropped before the server: it would wait for them when it stops.
    clients: BTreeMap<&'static str, Client>,
    server: S,
}

impl<S: Running> SocketWorld<S> {
    pub(crate) fn new(server: S) -> Self {
        Self { server, clients: BTreeMap::new() }
    }

    fn client(&mut self, who: &str) -> &mut Client {
        self.clients.get_mut(who).expect("it has connected")
    }
}

impl<S: Running> World for SocketWorld<S> {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Connects(who) => {
                let client = Client::connect(self.server.address());
                self.clients.insert(who, client);
            }
            Step::LogsIn(who) => {
                let client = Client::log_in(self.server.address(), who);
                self.clients.insert(who, client);
            }
            Step::Says(who, text) => self.client(who).say(text),
            Step::SaysLong(who, to, len) => {
                self.client(who).say(&format!("{to}:{}", "x".repeat(len)));
            }
            Step::Faults(who, fault) => match fault {
                Fault::Binary => self.client(who).say_binary(b"bob:hi"),
                Fault::NotUtf8 => self.client(who).say_bytes(b"bob:\xff"),
                Fault::TooLarge => self.step(&Step::SaysLong(who, "bob", 1 << 20)),
                // A frame that is not masked (RFC 6455, 5.1).
                Fault::Protocol => self.client(who).stream().write_all(b"\x81\x02hi").unwrap(),
            },
            Step::Leaves(who) => self.clients.remove(who).expect("it has connected").leave(),
            Step::Hears(who, text) => self.client(who).hears(text),
            Step::HearsLong(who, len) => match self.client(who).hear() {
                Heard::Text(text) => assert_eq!(text.len(), len),
                closed => panic!("{closed:?}"),
            },
            Step::HearsClose(who, code) => self.client(who).hears_close(code),
            Step::ServerStops => self.server.stop(),
        }
    }
}
