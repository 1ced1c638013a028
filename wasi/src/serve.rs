//! The adapter: one thread, which owns the hub and polls all sockets.
//!
//! It is `examples/mio_server.rs` for another world, and the comments there hold here. `poll` is
//! handed all that is waited for each time, so a turn of the loop costs as much as there are
//! connections: WASI 0.2 has nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    io, mem,
    sync::Arc,
    time,
};

use switchboard::{
    Settings,
    line::Direct,
    nonblocking::{Scratch, Socket, Turn},
    peer::{self, PeerConfig},
    wire::Text,
};
use switchboard_core::{ConnId, Hub, Input, Instant, Output};
use wasip2::{
    clocks::monotonic_clock::subscribe_duration,
    io::{
        poll::{Pollable, poll},
        streams::{InputStream, StreamError},
    },
    sockets::{network::ErrorCode, tcp::TcpSocket},
};

use crate::{
    address,
    stream::{Direction, Stream},
};

/// How long to wait after a lack of what a connection takes.
const PAUSE: time::Duration = time::Duration::from_millis(500);

/// Serves whoever connects to `listener`, until `stop` ends, if there is one, and everybody is gone.
///
/// # Errors
/// A connection cannot be accepted because the listener is of no use.
pub(crate) fn serve(
    listener: &TcpSocket,
    settings: &Settings,
    stop: Option<&InputStream>,
) -> io::Result<()> {
    let (clock, mut now) = (time::Instant::now(), Instant::ZERO);
    let mut server = Server {
        config: Arc::new(settings.peer_config()),
        // The standard library's hasher is keyed by the system's random numbers.
        hub: Hub::new(settings.hub_config(), RandomState::new().hash_one(()), now),
        connections: BTreeMap::new(),
        marked: BTreeSet::new(),
        scratch: Scratch::default(),
        accepts_at: Some(now),
    };
    let (acceptable, stopped) = (listener.subscribe(), stop.map(InputStream::subscribe));
    loop {
        server.carry_out();
        if server.accepts_at.is_none() && server.connections.is_empty() {
            return Ok(());
        }
        let ready = server.wait(now, &acceptable, stopped.as_ref());
        now = Instant::ZERO + clock.elapsed();
        if server.hub.poll_timeout().is_some_and(|due| due.at <= now) {
            server.hub.handle(now, Input::Timeout);
        }
        for source in ready {
            match source {
                Source::Stop if stop.is_some_and(has_ended) && server.accepts_at.is_some() => {
                    server.accepts_at = None;
                    server.hub.handle(now, Input::Shutdown { over: settings.drain });
                }
                Source::Listener => server.accept(now, listener)?,
                Source::Connection(conn, direction) => server.is_ready(conn, direction),
                Source::Stop | Source::Clock => {}
            }
        }
        for conn in mem::take(&mut server.marked) {
            server.turn(now, conn);
        }
    }
}

/// Whether there is no more to read.
fn has_ended(input: &InputStream) -> bool {
    matches!(input.read(4096), Err(StreamError::Closed | StreamError::LastOperationFailed(_)))
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
enum Source {
    Stop,
    Listener,
    Clock,
    Connection(ConnId, Direction),
}

struct Connection {
    stream: Stream,
    socket: Socket,
}

struct Server {
    config: Arc<PeerConfig>,
    hub: Hub<Text>,
    connections: BTreeMap<ConnId, Connection>,
    marked: BTreeSet<ConnId>,
    scratch: Scratch,
    /// From when on connections are accepted, if at all.
    accepts_at: Option<Instant>,
}

impl Server {
    /// Waits for what there is to wait for. Returns what has come.
    fn wait(&self, now: Instant, acceptable: &Pollable, stop: Option<&Pollable>) -> Vec<Source> {
        let (mut sources, mut pollables) = (Vec::new(), Vec::new());
        let mut add = |source, pollable| {
            sources.push(source);
            pollables.push(pollable);
        };
        let accepts = self.accepts_at.is_some();
        if let Some(stop) = stop.filter(|_| accepts) {
            add(Source::Stop, stop);
        }
        let paused = self.accepts_at.filter(|&at| at > now);
        if accepts && paused.is_none() {
            add(Source::Listener, acceptable);
        }
        let deadline = self.hub.poll_timeout().map(|due| due.at);
        let at = if self.marked.is_empty() {
            deadline.into_iter().chain(paused).min()
        } else {
            Some(now)
        };
        let clock = at.map(|at| {
            let nanos = at.saturating_since(now).as_nanos();
            subscribe_duration(u64::try_from(nanos).unwrap_or(u64::MAX))
        });
        if let Some(clock) = &clock {
            add(Source::Clock, clock);
        }
        for (&conn, connection) in &self.connections {
            for (direction, pollable) in connection.stream.waits_for() {
                add(Source::Connection(conn, direction), pollable);
            }
        }
        if pollables.is_empty() {
            // It is not allowed to poll nothing. The hub always has a deadline for who is to close.
            return Vec::new();
        }
        let ready = poll(&pollables);
        ready.into_iter().filter_map(|index| sources.get(index as usize).copied()).collect()
    }

    fn accept(&mut self, now: Instant, listener: &TcpSocket) -> io::Result<()> {
        loop {
            let (socket, input, output) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(ErrorCode::WouldBlock) => return Ok(()),
                // It broke off early, which says nothing about the next one.
                Err(ErrorCode::ConnectionAborted | ErrorCode::ConnectionReset) => continue,
                Err(ErrorCode::InvalidState) => {
                    return Err(io::Error::other("the listener does not listen any more"));
                }
                // A lack lasts, and to ask again at once would only keep a core busy.
                Err(_) => {
                    self.accepts_at = Some(now + PAUSE);
                    return Ok(());
                }
            };
            let peer = socket.remote_address().ok().map(address::from_wasi);
            let ip = peer.map(|address| address.ip());
            let stream = Stream::new(socket, input, output);
            match self.hub.connect(now, self.config.known_address(ip)) {
                Ok(conn) => {
                    let socket = Socket::new(Arc::clone(&self.config), ip);
                    self.connections.insert(conn, Connection { stream, socket });
                    self.marked.insert(conn);
                }
                Err(refused) => stream.answer(&peer::refusal(refused)),
            }
        }
    }

    fn is_ready(&mut self, conn: ConnId, direction: Direction) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stream.is_ready(direction);
            self.marked.insert(conn);
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Ready { conn } => {
                    if let Some(connection) = self.connections.get_mut(&conn) {
                        connection.socket.tell(true);
                        self.marked.insert(conn);
                    }
                }
                Output::Drop { conn } => drop(self.connections.remove(&conn)),
                // No settings of this program have credentials checked.
                Output::Check { .. } | Output::Event(_) => {}
            }
        }
    }

    fn turn(&mut self, now: Instant, conn: ConnId) {
        let Some(Connection { stream, socket }) = self.connections.get_mut(&conn) else { return };
        let line = &mut Direct { hub: &mut self.hub, now, conn };
        let is_lost = match stream.end().map(|()| socket.turn_with(stream, line, &mut self.scratch))
        {
            Ok(Turn::Wait) => false,
            Ok(Turn::Again) => {
                self.marked.insert(conn);
                false
            }
            Ok(Turn::ShutDownWrite) => {
                self.marked.insert(conn);
                stream.shut_down_write().is_err()
            }
            Ok(Turn::End) | Err(_) => true,
        };
        if is_lost {
            self.connections.remove(&conn);
            self.hub.handle(now, Input::Disconnected { conn });
        }
    }
}
