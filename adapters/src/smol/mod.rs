//! The asynchronous adapter: a task a connection, on all cores.

mod connection;

use std::{io, num::NonZero, sync::Arc, thread};

use ::smol::{
    Async, Executor, Timer,
    channel::Receiver,
    future::{self, FutureExt},
};

use crate::{
    Door, Handle, Listener, Settings, Stop,
    exchange::{Exchange, Next},
    listen,
    peer::PeerConfig,
};
use connection::Signal;

/// A server that is about to serve.
pub struct Server {
    exchange: Arc<Exchange<Signal>>,
    doorbell: Receiver<()>,
    settings: Settings,
}

impl Server {
    /// A server with these settings, and nobody connected.
    pub fn new(settings: Settings) -> Self {
        // One place is enough: a bell that has been rung and not yet heard needs no second ring.
        let (bell, doorbell) = ::smol::channel::bounded(1);
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
    /// takes no longer than the drain and the hub's close timeout. Runs on as many threads as there
    /// are cores, of which the caller's is one.
    ///
    /// # Errors
    /// If a listener or a thread cannot be set up.
    pub fn serve(self, doors: impl IntoIterator<Item = Door>, stop: &Stop) -> io::Result<()> {
        let doors = doors.into_iter().map(|door| {
            let config = Arc::new(self.exchange.peer_config(&self.settings, &door));
            Ok((Async::new(door.listener)?, config))
        });
        let doors = doors.collect::<io::Result<Vec<_>>>()?;
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
            future::block_on(executor.run(self.run(&executor, doors, stop)));
            drop(finished);
            Ok(())
        })
    }

    async fn run(self, executor: &Executor<'_>, doors: Vec<Entrance>, stop: &Stop) {
        let driver = executor.spawn(drive(Arc::clone(&self.exchange), self.doorbell));
        let mut accept_until_stopped = stop.stopped().boxed_local();
        for (listener, config) in doors {
            let accept = accept(executor, &self.exchange, listener, config);
            accept_until_stopped = future::or(accept, accept_until_stopped).boxed_local();
        }
        accept_until_stopped.await;
        self.exchange.shut_down();
        driver.await;
    }
}

/// A door that is open.
type Entrance = (Async<Listener>, Arc<PeerConfig>);

/// Serves whoever connects to `listener`, as [`Server::serve`] does.
///
/// # Errors
/// As there.
pub fn serve(listener: impl Into<Listener>, settings: &Settings, stop: &Stop) -> io::Result<()> {
    Server::new(settings.clone()).serve([Door::from(listener)], stop)
}

async fn accept(
    executor: &Executor<'_>,
    exchange: &Arc<Exchange<Signal>>,
    listener: Async<Listener>,
    config: Arc<PeerConfig>,
) {
    loop {
        let accepted = listener.read_with(Listener::accept).await;
        match accepted.and_then(Async::new) {
            Ok(stream) => {
                let (exchange, config) = (Arc::clone(exchange), Arc::clone(&config));
                executor.spawn(connection::serve(exchange, stream, config)).detach();
            }
            Err(error) => pause_accepting(&error).await,
        }
        // Or a storm of connections would keep this from being stopped.
        future::yield_now().await;
    }
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
