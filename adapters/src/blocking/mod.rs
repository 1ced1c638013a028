//! The blocking adapter: the standard library's sockets, and two threads a connection.

mod connection;

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
};

use crate::{
    Listener, Settings, Stop,
    exchange::{Exchange, Next},
    listen,
};
use connection::Signal;

/// Stack of a connection's threads. It is address space; memory is used as far as the stack grows.
const STACK: usize = 256 << 10;

/// Serves whoever connects to `listener`, until it is stopped and everybody is gone, which takes no
/// longer than the hub's close timeout.
///
/// # Errors
/// If a thread cannot be set up.
pub fn serve(listener: impl Into<Listener>, settings: &Settings, stop: &Stop) -> io::Result<()> {
    let listener = Arc::new(listener.into());
    // One place is enough: a bell that has been rung and not yet heard needs no second ring.
    let (bell, doorbell) = mpsc::sync_channel(1);
    let ring = move || {
        let _ = bell.try_send(());
    };
    let exchange = Exchange::new(settings, ring);
    let named = |name: &str| thread::Builder::new().name(name.into());

    let driver = {
        let exchange = Arc::clone(&exchange);
        named("driver").spawn(move || drive(&exchange, &doorbell))?
    };
    let acceptor = {
        let (exchange, stop) = (Arc::clone(&exchange), stop.clone());
        let listener = Arc::clone(&listener);
        let config = Arc::new(settings.peer_config());
        named("acceptor").spawn(move || {
            while !stop.is_stopped() {
                match listener.accept() {
                    Ok(stream) => connection::start(&exchange, stream, &config),
                    Err(_) if stop.is_stopped() => return,
                    Err(error) => {
                        if let Some(pause) = listen::pause_after(&error) {
                            thread::sleep(pause);
                        }
                    }
                }
            }
        })
    };
    // The driver must not be left behind.
    let acceptor = acceptor.inspect_err(|_| exchange.shut_down())?;

    stop.wait();
    exchange.shut_down();
    listener.interrupt();
    for thread in [acceptor, driver] {
        thread.join().map_err(|_| io::Error::other("a thread of the server panicked"))?;
    }
    Ok(())
}

/// The exchange's driver, see [`Exchange::drive`].
fn drive(exchange: &Exchange<Signal>, doorbell: &Receiver<()>) {
    loop {
        match exchange.drive() {
            Next::Again => {}
            Next::Wait(None) => drop(doorbell.recv()),
            Next::Wait(Some(limit)) => drop(doorbell.recv_timeout(limit)),
            Next::Finished => return,
        }
    }
}
