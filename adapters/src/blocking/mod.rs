//! The blocking adapter: the standard library's sockets, and two threads a connection.

mod connection;

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
};

use crate::{
    Door, Handle, Listener, Settings, Stop,
    exchange::{Exchange, Next},
    listen,
    peer::PeerConfig,
};
use connection::Signal;

/// Stack of a connection's threads. It is address space; memory is used as far as the stack grows.
const STACK: usize = 256 << 10;

/// A server that is about to serve.
pub struct Server {
    exchange: Arc<Exchange<Arc<Signal>>>,
    doorbell: Receiver<()>,
    settings: Settings,
}

impl Server {
    /// A server with these settings, and nobody connected.
    pub fn new(settings: Settings) -> Self {
        // One place is enough: a bell that has been rung and not yet heard needs no second ring.
        let (bell, doorbell) = mpsc::sync_channel(1);
        let ring = move || {
            let _ = bell.try_send(());
        };
        Self { exchange: Exchange::new(&settings, ring), doorbell, settings }
    }

    /// Reaches the server while it serves.
    pub fn handle(&self) -> Handle {
        Handle::new(self.exchange.clone())
    }

    /// Serves whoever comes in by these doors, until it is stopped and everybody is gone, which
    /// takes no longer than the drain and the hub's close timeout.
    ///
    /// # Errors
    /// If a thread cannot be set up.
    pub fn serve(self, doors: impl IntoIterator<Item = Door>, stop: &Stop) -> io::Result<()> {
        let Self { exchange, doorbell, settings } = self;
        let mut threads = Vec::new();
        {
            let exchange = Arc::clone(&exchange);
            threads.push(spawn("driver", move || drive(&exchange, &doorbell))?);
        }
        let mut listeners = Vec::new();
        for door in doors {
            let config = Arc::new(exchange.peer_config(&settings, &door));
            let listener = Arc::new(door.listener);
            let acceptor = {
                let (exchange, stop) = (Arc::clone(&exchange), stop.clone());
                let listener = Arc::clone(&listener);
                spawn("acceptor", move || accept(&exchange, &listener, &config, &stop))
            };
            // The driver must not be left behind.
            threads.push(acceptor.inspect_err(|_| exchange.shut_down())?);
            listeners.push(listener);
        }
        stop.wait();
        exchange.shut_down();
        for listener in listeners {
            listener.interrupt();
        }
        for thread in threads {
            thread.join().map_err(|_| io::Error::other("a thread of the server panicked"))?;
        }
        Ok(())
    }
}

/// Serves whoever connects to `listener`, as [`Server::serve`] does.
///
/// # Errors
/// As there.
pub fn serve(listener: impl Into<Listener>, settings: &Settings, stop: &Stop) -> io::Result<()> {
    Server::new(settings.clone()).serve([Door::from(listener)], stop)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(run)
}

fn accept(
    exchange: &Arc<Exchange<Arc<Signal>>>,
    listener: &Listener,
    config: &Arc<PeerConfig>,
    stop: &Stop,
) {
    while !stop.is_stopped() {
        match listener.accept() {
            Ok(stream) => connection::start(exchange, stream, config),
            Err(_) if stop.is_stopped() => return,
            Err(error) => {
                if let Some(pause) = listen::pause_after(&error) {
                    thread::sleep(pause);
                }
            }
        }
    }
}

/// The exchange's driver, see [`Exchange::drive`].
fn drive(exchange: &Exchange<Arc<Signal>>, doorbell: &Receiver<()>) {
    loop {
        match exchange.drive() {
            Next::Again => {}
            Next::Wait(None) => drop(doorbell.recv()),
            Next::Wait(Some(limit)) => drop(doorbell.recv_timeout(limit)),
            Next::Finished => return,
        }
    }
}
