//! The asynchronous adapter: a task a connection, on all cores.

mod connection;

use std::{io, num::NonZero, sync::Arc, thread};

use ::smol::{Async, Executor, Timer, channel::Receiver, future};

use crate::{
    Listener, Settings, Stop,
    exchange::{Exchange, Next},
    listen,
};
use connection::Signal;

/// Serves whoever connects to `listener`, until it is stopped and everybody is gone, which takes no
/// longer than the hub's close timeout. Runs on as many threads as there are cores, of which the
/// caller's is one.
///
/// # Errors
/// If the listener or a thread cannot be set up.
pub fn serve(listener: impl Into<Listener>, settings: &Settings, stop: &Stop) -> io::Result<()> {
    let listener = Async::new(listener.into())?;
    let executor = Executor::new();
    let (finished, until) = crate::stop();
    thread::scope(|threads| {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        for core in 1..cores {
            let (executor, until) = (&executor, until.clone());
            thread::Builder::new().name(format!("smol-{core}")).spawn_scoped(
                threads,
                move || {
                    future::block_on(executor.run(until.stopped()));
                },
            )?;
        }
        future::block_on(executor.run(run(&executor, listener, settings, stop)));
        drop(finished);
        Ok(())
    })
}

async fn run(executor: &Executor<'_>, listener: Async<Listener>, settings: &Settings, stop: &Stop) {
    // One place is enough: a bell that has been rung and not yet heard needs no second ring.
    let (bell, doorbell) = ::smol::channel::bounded(1);
    let ring = move || {
        let _ = bell.try_send(());
    };
    let exchange = Exchange::new(settings, ring);
    let driver = executor.spawn(drive(Arc::clone(&exchange), doorbell));
    let config = Arc::new(settings.peer_config());
    let accept = async {
        loop {
            let accepted = listener.read_with(Listener::accept).await;
            match accepted.and_then(Async::new) {
                Ok(stream) => {
                    let (exchange, config) = (Arc::clone(&exchange), Arc::clone(&config));
                    executor.spawn(connection::serve(exchange, stream, config)).detach();
                }
                Err(error) => pause_accepting(&error).await,
            }
            // Or a storm of connections would keep this from being stopped.
            future::yield_now().await;
        }
    };
    future::or(accept, stop.stopped()).await;
    drop(listener);
    exchange.shut_down();
    driver.await;
}

async fn pause_accepting(error: &io::Error) {
    if let Some(pause) = listen::pause_after(error) {
        Timer::after(pause).await;
    }
}

/// The exchange's driver, see [`Exchange::drive`].
async fn drive(exchange: Arc<Exchange<Signal>>, doorbell: Receiver<()>) {
    loop {
        match exchange.drive() {
            Next::Again => future::yield_now().await,
            Next::Wait(None) => drop(doorbell.recv().await),
            Next::Wait(Some(limit)) => {
                let rung = async {
                    let _ = doorbell.recv().await;
                };
                let late = async {
                    Timer::after(limit).await;
                };
                future::or(rung, late).await;
            }
            Next::Finished => return,
        }
    }
}
