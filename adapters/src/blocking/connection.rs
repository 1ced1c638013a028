//! One connection, as a thread that reads and a thread that writes.
//!
//! They share what the client is, behind a lock that is not held while one of them reads or writes.
//! Only the reader waits for the writer: while the hub has as many replies for the connection as it
//! may have, until the writer has pulled some, and while the peer [is held](Peer::is_held), until
//! the writer has written some. Whatever ends one of them
//! shuts the socket down, which ends the other.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::Shutdown,
    slice,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, Thread},
    time::Instant,
};

use switchboard_core::ConnId;

use super::STACK;
use crate::{
    exchange::{self, Exchange, Place},
    line::Line,
    listen,
    listener::Stream,
    peer::{Peer, PeerConfig, READ_AT_ONCE},
    seldom::Seldom,
    wire::Received,
};

/// What the connection's threads share, and reaches them.
pub(super) struct Signal {
    stream: Stream,
    peer: Mutex<Peer>,
    reader: OnceLock<Thread>,
    writer: OnceLock<Thread>,
    ended: AtomicBool,
}

impl exchange::Signal for Arc<Signal> {
    fn ready(&self) {
        Signal::ready(self);
    }

    fn cut(&self) {
        Signal::cut(self);
    }
}

impl Signal {
    fn ready(&self) {
        // If there is no writer yet, it looks for itself when it starts.
        self.writer.get().map(Thread::unpark);
    }

    fn cut(&self) {
        self.ended.store(true, Ordering::Release);
        // Fails if the peer has gone, which is just as well.
        drop(self.stream.shutdown(Shutdown::Both));
        for thread in [&self.reader, &self.writer] {
            thread.get().map(Thread::unpark);
        }
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn peer(&self) -> MutexGuard<'_, Peer> {
        self.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the threads of a new connection.
pub(super) fn start(
    exchange: &Arc<Exchange<Arc<Signal>>>,
    stream: Stream,
    config: &Arc<PeerConfig>,
) {
    let address = stream.address();
    // Frames are small and each is wanted at once.
    if stream.set_nodelay().is_err() {
        return;
    }
    let ip = stream.ip();
    let signal = Arc::new(Signal {
        stream,
        peer: Mutex::new(Peer::new(Arc::clone(config), ip)),
        reader: OnceLock::new(),
        writer: OnceLock::new(),
        ended: AtomicBool::new(false),
    });
    let conn = match exchange.connect(Arc::clone(&signal), config.known_address(ip)) {
        Ok(conn) => conn,
        Err(refused) => return listen::refuse(&signal.stream, refused),
    };
    tracing::debug!(?conn, peer = address.map(tracing::field::display), "connected");
    let started = {
        let (exchange, config) = (Arc::clone(exchange), Arc::clone(config));
        spawn("reader", move || serve(&exchange, conn, &signal, &config))
    };
    if let Err(error) = started {
        no_thread(&error);
        exchange.disconnected(conn);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).stack_size(STACK).spawn(run)
}

fn no_thread(error: &io::Error) {
    static SELDOM: Seldom = Seldom::new();
    if let Some(unsaid) = SELDOM.is_time(Instant::now()) {
        tracing::warn!(
            unsaid,
            "cannot start a thread for a connection: {error}; \
             allow more with ulimit -u or TasksMax, or use --runtime smol"
        );
    }
}

/// The reader.
fn serve(
    exchange: &Arc<Exchange<Arc<Signal>>>,
    conn: ConnId,
    signal: &Arc<Signal>,
    config: &PeerConfig,
) {
    let mut place = Place::new(exchange, conn);
    let cut_at_end = CutAtEnd(signal);
    drop(signal.reader.set(thread::current()));
    let writer = {
        let (exchange, signal) = (Arc::clone(exchange), Arc::clone(signal));
        spawn("writer", move || {
            let written = write(&exchange, conn, &signal);
            if let Err(error) = written {
                tracing::debug!(?conn, %error, "write failed");
                signal.cut();
            }
        })
    };
    let writer = match writer {
        Ok(writer) => writer,
        Err(error) => return no_thread(&error),
    };
    drop(signal.writer.set(writer.thread().clone()));
    // For what came before it could be reached.
    writer.thread().unpark();
    if read_messages(place.line(), signal, config).is_ok() {
        read_rest(&signal.stream);
        // It may have the close frame to write yet.
        drop(writer.join());
    }
    drop(cut_at_end);
}

/// However the reader ends, the writer does, too.
struct CutAtEnd<'a>(&'a Signal);

impl Drop for CutAtEnd<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// Returns when there are no more messages to read but the connection is to be closed in order.
fn read_messages(line: &mut impl Line, signal: &Signal, config: &PeerConfig) -> io::Result<()> {
    let mut bytes = [0; READ_AT_ONCE];
    loop {
        let size = (&signal.stream).read(&mut bytes)?;
        if size == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        signal.peer().receive(&bytes[..size]);
        while let Some(received) = next(signal) {
            let mut credit = line.received(slice::from_ref(&received));
            if let Received::Call(request) = &received
                && let Some(http) = &config.http
            {
                let response = line.call(&*http.service, request);
                signal.peer().answer(response);
            }
            if !received.goes_on() {
                // What it was answered is yet to be written.
                signal.ready();
                return Ok(());
            }
            while credit == 0 && !signal.has_ended() {
                thread::park();
                credit = line.credit();
            }
        }
        let (is_closed, has_outgoing) = {
            let peer = signal.peer();
            (peer.is_closed(), !peer.outgoing().is_empty())
        };
        if is_closed || has_outgoing {
            // Reading leads to answers: to requests, to pings.
            signal.ready();
        }
        if is_closed {
            return Ok(());
        }
    }
}

/// What the client said next. Waits for the writer while the peer is held.
fn next(signal: &Signal) -> Option<Received> {
    loop {
        let (received, is_held) = {
            let mut peer = signal.peer();
            (peer.poll(), peer.is_held())
        };
        if received.is_some() || !is_held || signal.has_ended() {
            return received;
        }
        signal.ready();
        thread::park();
    }
}

/// Reads until the peer closes: to drop the socket earlier could cost the peer what it has not
/// read yet, the close frame included.
fn read_rest(mut stream: &Stream) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest), Ok(1..)) {}
}

/// The writer: puts what there is into one write, until all is written or the socket is gone.
fn write(exchange: &Exchange<Arc<Signal>>, conn: ConnId, signal: &Signal) -> io::Result<()> {
    let mut batch = VecDeque::new();
    while !signal.has_ended() {
        let (bytes, last) = {
            let mut peer = signal.peer();
            let was_held = peer.is_held();
            if !peer.is_closed() {
                exchange.pull(conn, &mut batch);
            }
            let may_resume = !batch.is_empty();
            for to_send in batch.drain(..) {
                peer.send(to_send);
            }
            let bytes = peer.take_outgoing();
            if may_resume || was_held && !peer.is_held() {
                // There may be room for further replies or responses.
                signal.reader.get().map(Thread::unpark);
            }
            (bytes, peer.is_closed())
        };
        let (first, second) = bytes.as_slices();
        for bytes in [first, second] {
            (&signal.stream).write_all(bytes)?;
        }
        if last {
            return signal.stream.shutdown(Shutdown::Write);
        }
        if bytes.is_empty() {
            thread::park();
        }
    }
    Ok(())
}
