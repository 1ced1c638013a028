//! The asynchronous adapter: the connections are shared out among as many tasks as there are cores.

mod edge;
mod inbox;
mod shard;

use std::{io, num::NonZero, sync::Arc, thread};

use ::smol::{Async, Executor, Timer, future};

use crate::{
    Door, Handle, Listener, Settings, Stop, exchange::Exchange, listen, listener::Stream,
    peer::PeerConfig,
};
use inbox::{Inbox, Signal};
use shard::Shard;

/// A server that is about to serve.
pub struct Server {
    exchange: Arc<Exchange<Signal>>,
    inboxes: Arc<[Arc<Inbox>]>,
    settings: Settings,
}

impl Server {
    /// A server with these settings, and nobody connected.
    pub fn new(settings: Settings) -> Self {
        let inboxes: Arc<[_]> = (0..cores()).map(|_| Arc::new(Inbox::default())).collect();
        let first = Arc::clone(&inboxes[0]);
        Self { exchange: Exchange::new(&settings, move || first.ring()), inboxes, settings }
    }

    /// Reaches the server while it serves.
    pub fn handle(&self) -> Handle {
        Handle::new(self.exchange.clone())
    }

    /// Serves whoever comes in by these doors, until it is stopped and everybody is gone, which
    /// takes no longer than the drain and the hub's close timeout. Runs on as many threads as there
    /// are cores, while the caller's waits.
    ///
    /// # Errors
    /// If a listener or a thread cannot be set up.
    pub fn serve(self, doors: impl IntoIterator<Item = Door>, stop: &Stop) -> io::Result<()> {
        let doors = doors.into_iter().map(|door| {
            let config = Arc::new(self.exchange.peer_config(&self.settings, &door));
            Ok((Async::new(door.listener)?, config))
        });
        let doors = doors.collect::<io::Result<Vec<_>>>()?;
        let shards = (0..self.inboxes.len())
            .map(|index| Shard::new(self.exchange.clone(), self.inboxes.clone(), index));
        let shards = shards.collect::<io::Result<Vec<_>>>()?;
        let executor = Executor::new();
        let (finished, until) = crate::stop();
        thread::scope(|threads| {
            for core in 0..cores() {
                let (executor, until) = (&executor, until.clone());
                thread::Builder::new().name(format!("smol-{core}")).spawn_scoped(
                    threads,
                    move || {
                        // This one waits for sockets itself, instead of being woken by whoever does.
                        ::smol::block_on(executor.run(until.stopped()));
                    },
                )?;
            }
            // Not among those who run the tasks, or a busy server would be slow to be stopped.
            future::block_on(self.run(&executor, shards, doors, stop));
            drop(finished);
            Ok(())
        })
    }

    async fn run(
        self,
        executor: &Executor<'_>,
        shards: Vec<Shard>,
        doors: Vec<Entrance>,
        stop: &Stop,
    ) {
        let shards: Vec<_> = shards.into_iter().map(|shard| executor.spawn(shard.run())).collect();
        let acceptors: Vec<_> = doors
            .into_iter()
            .map(|(listener, config)| {
                executor.spawn(accept(self.inboxes.clone(), listener, config))
            })
            .collect();
        stop.stopped().await;
        drop(acceptors);
        self.exchange.shut_down();
        for shard in shards {
            shard.await;
        }
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

/// Gives the shards clients in turn.
async fn accept(inboxes: Arc<[Arc<Inbox>]>, listener: Async<Listener>, config: Arc<PeerConfig>) {
    for inbox in inboxes.iter().cycle() {
        match listener.read_with(Listener::accept).await.and_then(nonblocking) {
            Ok(stream) => inbox.arrive(stream, Arc::clone(&config)),
            Err(error) => {
                if let Some(pause) = listen::pause_after(&error) {
                    Timer::after(pause).await;
                }
            }
        }
        // Or a storm of connections would keep this from being stopped.
        future::yield_now().await;
    }
}

fn nonblocking(stream: Stream) -> io::Result<Stream> {
    stream.set_nonblocking()?;
    Ok(stream)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
