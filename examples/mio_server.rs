//! How to write an adapter, shown with mio: one thread, one poll loop.
//!
//! An adapter owns sockets and the clock, and decides nothing. It has these things to do:
//!
//! 1. Accept: `Hub::connect`, before the handshake, so that the login timeout covers it.
//! 2. A socket is ready, says mio, or its connection is, says the hub (`Output::Ready`): a turn. It
//!    is given frames while it takes them, and a message is read from it and fed to the hub.
//! 3. `Output::Drop`: drop the socket.
//! 4. A socket has ended, in whatever way: `Input::Disconnected`.
//! 5. `Hub::poll_timeout` says when to feed `Input::Timeout`.
//!
//! What happens only marks a connection. Who is marked has one turn: nobody holds up the others.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::{self, Shutdown};
use std::{mem, sync::Arc, thread, time};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use switchboard::line::Direct;
use switchboard::nonblocking::{Socket, Turn};
use switchboard::wire::Text;
use switchboard::{Settings, Stop, listen};
use switchboard_core::{ConnId, Hub, Input, Instant, Output};

/// Serves whoever connects to `listener`, until it is stopped and everybody is gone, or mio fails.
pub fn serve(listener: net::TcpListener, settings: &Settings, stop: &Stop) -> io::Result<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    let (wake, stopped) = (Arc::clone(&waker), stop.clone());
    thread::Builder::new().spawn(move || {
        stopped.wait();
        wake.wake()
    })?;
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let (readable, both) = (Interest::READABLE, Interest::READABLE | Interest::WRITABLE);
    poll.registry().register(&mut listener, Token(1), readable)?;
    let mut listener = Some(listener);
    let mut tokens = 2..;
    let config = Arc::new(settings.peer_config());

    let (clock, mut now) = (time::Instant::now(), Instant::ZERO);
    let mut server = Server {
        // The standard library's hasher is keyed by the system's random numbers.
        hub: Hub::new(settings.hub_config(), RandomState::new().hash_one(()), now),
        sockets: BTreeMap::new(),
        conns: BTreeMap::new(),
        marked: BTreeSet::new(),
    };
    loop {
        if stop.is_stopped() && listener.take().is_some() {
            server.hub.handle(now, Input::Shutdown { over: time::Duration::ZERO });
        }
        server.carry_out();
        if listener.is_none() && server.sockets.is_empty() {
            return Ok(());
        }
        match poll.poll(&mut events, server.wait(now)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => now = Instant::ZERO + clock.elapsed(),
        }
        if server.hub.poll_timeout().is_some_and(|due| due.at <= now) {
            server.hub.handle(now, Input::Timeout);
        }
        let conn_of = |event: &Event| server.conns.get(&event.token());
        server.marked.extend(events.iter().filter_map(conn_of));
        while let Some(listener) = &listener {
            let (mut stream, ip) = match listener.accept() {
                Ok((stream, peer)) => (stream, Some(peer.ip())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // What is lacking is given back when a socket ends, and that is an event.
                Err(error) if listen::pause_after(&error).is_some() => break,
                Err(_) => continue,
            };
            // If one of these fails, nothing comes of the connection, and it times out.
            let token = Token(tokens.next().unwrap_or_default());
            drop(stream.set_nodelay(true));
            drop(poll.registry().register(&mut stream, token, both));
            if let Ok(conn) = server.hub.connect(now, config.known_address(ip)) {
                let socket = Socket::new(Arc::clone(&config), ip);
                server.sockets.insert(conn, (token, stream, socket));
                server.conns.insert(token, conn);
            }
        }
        for conn in mem::take(&mut server.marked) {
            server.turn(now, conn);
        }
    }
}

struct Server {
    hub: Hub<Text>,
    sockets: BTreeMap<ConnId, (Token, TcpStream, Socket)>,
    conns: BTreeMap<Token, ConnId>,
    marked: BTreeSet<ConnId>,
}

impl Server {
    fn wait(&self, now: Instant) -> Option<time::Duration> {
        let deadline = self.hub.poll_timeout().map(|due| due.at);
        let at = if self.marked.is_empty() { deadline } else { Some(now) };
        at.map(|at| at.saturating_since(now))
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Ready { conn } => drop(self.marked.insert(conn)),
                Output::Drop { conn } => self.forget(conn),
                Output::Check { .. } | Output::Event(_) => {}
            }
        }
    }

    fn turn(&mut self, now: Instant, conn: ConnId) {
        let Some((_, stream, socket)) = self.sockets.get_mut(&conn) else { return };
        match socket.turn(stream, &mut Direct { hub: &mut self.hub, now, conn }) {
            Turn::Again => drop(self.marked.insert(conn)),
            Turn::Wait => {}
            Turn::ShutDownWrite if stream.shutdown(Shutdown::Write).is_ok() => {
                self.marked.insert(conn);
            }
            Turn::ShutDownWrite | Turn::End => {
                self.forget(conn);
                self.hub.handle(now, Input::Disconnected { conn });
            }
        }
    }

    fn forget(&mut self, conn: ConnId) {
        if let Some((token, ..)) = self.sockets.remove(&conn) {
            self.conns.remove(&token);
        }
    }
}

#[allow(dead_code, reason = "the tests include this file as a module")]
fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = listen::bind_tcp(address.as_deref().unwrap_or("127.0.0.1:1234"));
    let listener = listener.map_err(|error| io::Error::other(error.to_string()))?;
    println!("switchboard listening on ws://{}", listener.local_addr()?);
    let (_stopper, stop) = switchboard::stop();
    serve(listener, &Settings::default(), &stop)
}
