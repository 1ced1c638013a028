//! How to write an adapter, shown with mio: one thread, one poll loop.
//!
//! An adapter owns sockets and the clock, and decides nothing. It has six things to do:
//!
//! 1. Accept: `Hub::connect`, before the handshake, so that the login timeout covers it.
//! 2. Read, while `Hub::wants_input`: `wire` turns what comes into an `Input`.
//! 3. `Output::Ready`: pull frames and write them while the socket takes them. A full socket is not
//!    pulled until it has room again; nothing else is needed against slow readers.
//! 4. `Frame::Close`: write it, shut down the writing side, and read on until the peer has closed
//!    its own, or it could lose what it has not read yet. `Output::Drop`: drop the socket.
//! 5. When a socket has ended, in whatever way: `Input::Disconnected`.
//! 6. When `Hub::poll_timeout` says so: `Input::Timeout`.
//!
//! Here, whatever happens to a connection marks it, and who is marked gets a turn: it writes what
//! it can and reads one message, so that nobody holds up the others. mio tells only once that a
//! socket is ready: a turn that ends before the socket would block marks the connection again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read};
use std::ops::RangeFrom;
use std::{mem, net, sync::Arc, thread, time};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use switchboard::wire::{self, Received, Text, ToSend};
use switchboard::{Settings, Stop, listen};
use switchboard_core::{ConnId, Hub, Input, Instant, Output, Stage};
use tungstenite::handshake::server::{NoCallback, ServerHandshake};
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, util::NonBlockingResult};

/// Serves whoever connects to `listener`, until it is stopped and everybody is gone.
///
/// # Errors
/// If mio fails or a thread cannot be started.
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
    let readable = Interest::READABLE;
    poll.registry().register(&mut listener, Token(1), readable)?;
    let mut listener = Some(listener);
    let clock = time::Instant::now();
    let mut now = Instant::ZERO;
    let mut server = Server {
        // The standard library's hasher is keyed by the system's random numbers.
        hub: Hub::new(settings.hub(), RandomState::new().hash_one(()), now),
        config: wire::config(settings.max_message),
        tokens: 2..,
        sockets: BTreeMap::new(),
        conns: BTreeMap::new(),
        marked: BTreeSet::new(),
    };
    loop {
        if stop.is_stopped() && listener.take().is_some() {
            server.hub.handle(now, Input::Shutdown);
        }
        server.carry_out();
        if listener.is_none() && server.sockets.is_empty() {
            return Ok(());
        }
        match poll.poll(&mut events, server.wait(now)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => now = Instant::ZERO + clock.elapsed(),
        }
        let told = events.iter().map(|event| event.token());
        let told = told.filter_map(|token| server.conns.get(&token));
        server.marked.extend(told);
        if let Some(listener) = &listener {
            server.accept(now, listener, poll.registry());
        }
        if server.hub.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            server.hub.handle(now, Input::Timeout);
        }
        for conn in mem::take(&mut server.marked) {
            server.turn(now, conn);
        }
    }
}

/// A connection's socket.
enum Socket {
    Handshake(MidHandshake<ServerHandshake<TcpStream, NoCallback>>),
    Open(WebSocket<TcpStream>),
}

struct Server {
    hub: Hub<Text>,
    config: WebSocketConfig,
    tokens: RangeFrom<usize>,
    sockets: BTreeMap<ConnId, (Token, Socket)>,
    conns: BTreeMap<Token, ConnId>,
    marked: BTreeSet<ConnId>,
}

impl Server {
    fn wait(&self, now: Instant) -> Option<time::Duration> {
        if !self.marked.is_empty() {
            return Some(time::Duration::ZERO);
        }
        let deadline = self.hub.poll_timeout()?;
        Some(deadline.at.saturating_since(now))
    }

    fn accept(&mut self, now: Instant, listener: &TcpListener, registry: &Registry) {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // What is lacking is given back when a socket ends, and that is an event.
                Err(error) if listen::pause_after(&error).is_some() => return,
                Err(_) => continue,
            };
            if let (Ok(conn), Some(token)) = (self.hub.connect(now), self.tokens.next()) {
                // If one of these fails, nothing comes of the connection and it times out.
                drop(stream.set_nodelay(true));
                let both = Interest::READABLE | Interest::WRITABLE;
                drop(registry.register(&mut stream, Token(token), both));
                let handshake = ServerHandshake::start(stream, NoCallback, Some(self.config));
                let socket = Socket::Handshake(handshake);
                self.sockets.insert(conn, (Token(token), socket));
                self.conns.insert(Token(token), conn);
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Ready { conn } => drop(self.marked.insert(conn)),
                Output::Drop { conn } => self.forget(conn),
                Output::Event(_) => {}
            }
        }
    }

    fn forget(&mut self, conn: ConnId) {
        if let Some((token, _)) = self.sockets.remove(&conn) {
            self.conns.remove(&token);
        }
    }

    fn turn(&mut self, now: Instant, conn: ConnId) {
        let Some((token, socket)) = self.sockets.remove(&conn) else {
            return;
        };
        if let Some(socket) = self.advance(now, conn, socket) {
            self.sockets.insert(conn, (token, socket));
        } else {
            self.conns.remove(&token);
            self.hub.handle(now, Input::Disconnected { conn });
        }
    }

    /// A connection's turn. Returns the socket unless it is to be dropped.
    fn advance(&mut self, now: Instant, conn: ConnId, socket: Socket) -> Option<Socket> {
        let handshake = match socket {
            Socket::Open(socket) => return self.talk(now, conn, socket).map(Socket::Open),
            // Who is closed so early cannot be told why.
            Socket::Handshake(_) if self.hub.stage(conn) == Stage::Closing => return None,
            Socket::Handshake(handshake) => handshake,
        };
        match handshake.handshake() {
            Ok(socket) => self.talk(now, conn, socket).map(Socket::Open),
            Err(HandshakeError::Interrupted(handshake)) => Some(Socket::Handshake(handshake)),
            Err(HandshakeError::Failure(_)) => None,
        }
    }

    fn talk(
        &mut self,
        now: Instant,
        conn: ConnId,
        mut socket: WebSocket<TcpStream>,
    ) -> Option<WebSocket<TcpStream>> {
        match self.write(conn, &mut socket).no_block() {
            Ok(_) => {}
            Err(Error::ConnectionClosed) => socket.get_ref().shutdown(net::Shutdown::Write).ok()?,
            Err(_) => return None,
        }
        if self.hub.stage(conn) == Stage::Closing {
            // What it sends does not matter any more. Until it closes its side it has to be read.
            match socket.get_mut().read(&mut [0; 4096]).no_block() {
                Ok(Some(0)) | Err(_) => return None,
                Ok(Some(_)) => drop(self.marked.insert(conn)),
                Ok(None) => {}
            }
        } else if self.hub.wants_input(conn)
            && let Some(read) = socket.read().no_block().transpose()
        {
            match Received::from(read).input(&self.hub, conn) {
                Some(Input::Disconnected { .. }) => return None,
                Some(input) => self.hub.handle(now, input),
                None => {}
            }
            self.marked.insert(conn);
        }
        Some(socket)
    }

    /// Writes until all is written or the socket is full, which is an error to tungstenite, as is
    /// that the close frame is written.
    fn write(&mut self, conn: ConnId, socket: &mut WebSocket<TcpStream>) -> Result<(), Error> {
        // What the socket had no room for in an earlier turn.
        socket.flush()?;
        while let Some(frame) = self.hub.poll_frame(conn) {
            match ToSend::from(frame) {
                ToSend::Message(message) => socket.write(message)?,
                ToSend::Close(frame) => socket.close(frame)?,
            }
        }
        socket.flush()?;
        if socket.can_write() { Ok(()) } else { Err(Error::ConnectionClosed) }
    }
}

#[allow(dead_code, reason = "the tests include this file as a module")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let listener = listen::bind(address.as_deref().unwrap_or("127.0.0.1:1234"))?;
    println!("switchboard listening on ws://{}", listener.local_addr()?);
    let (_stopper, stop) = switchboard::stop();
    Ok(serve(listener, &Settings::default(), &stop)?)
}
