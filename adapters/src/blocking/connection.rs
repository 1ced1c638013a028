//! One connection, as a thread that reads and a thread that writes.
//!
//! They wait for each other in one place only: the reader pauses while the hub has as many replies
//! for the connection as it may have, until the writer has pulled some. Whatever ends one of them
//! shuts the socket down, which ends the other.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, Thread},
};

use switchboard_core::ConnId;
use tungstenite::{
    WebSocket, accept_with_config,
    protocol::{
        WebSocketConfig,
        frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use super::{
    STACK,
    outbox::{Outbox, ReadHalf},
};
use crate::{
    exchange::{self, Exchange},
    wire::{Received, ToSend},
};

/// Bytes of buffer that a writer keeps between writes.
const KEPT_BUFFER: usize = 4 << 10;

/// Reaches the connection's threads.
pub(super) struct Signal {
    stream: Arc<TcpStream>,
    reader: OnceLock<Thread>,
    writer: OnceLock<Thread>,
    shaking_hands: AtomicBool,
    ended: AtomicBool,
}

impl exchange::Signal for Signal {
    fn ready(&self) {
        match self.writer.get() {
            Some(writer) => writer.unpark(),
            // Before the login there is nothing to write but that the connection is closed, and
            // before the handshake is done it cannot be written.
            None if self.shaking_hands.load(Ordering::Acquire) => self.cut(),
            // The writer is about to look for itself.
            None => {}
        }
    }

    fn cut(&self) {
        self.ended.store(true, Ordering::Release);
        // Fails if the peer has gone, which is just as well.
        drop(self.stream.shutdown(Shutdown::Both));
        for thread in [&self.reader, &self.writer] {
            thread.get().map(Thread::unpark);
        }
    }
}

impl Signal {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// Starts the threads of a new connection.
pub(super) fn start(
    exchange: &Arc<Exchange<Signal>>,
    stream: TcpStream,
    peer: SocketAddr,
    config: WebSocketConfig,
) {
    let signal = Arc::new(Signal {
        stream: Arc::new(stream),
        reader: OnceLock::new(),
        writer: OnceLock::new(),
        shaking_hands: AtomicBool::new(true),
        ended: AtomicBool::new(false),
    });
    let conn = match exchange.connect(Arc::clone(&signal)) {
        Ok(conn) => conn,
        Err(refused) => return tracing::debug!(%peer, %refused, "refused"),
    };
    tracing::debug!(?conn, %peer, "connected");
    let place = Place { exchange: Arc::clone(exchange), conn, signal };
    if let Err(error) = spawn("reader", move || place.serve(config)) {
        no_thread(&error);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).stack_size(STACK).spawn(run)
}

fn no_thread(error: &io::Error) {
    tracing::warn!(
        "cannot start a thread for a connection: {error}; \
         allow more with ulimit -u or TasksMax, or use --runtime smol"
    );
}

/// The connection's place in the exchange, which it loses when its reader ends, however it ends.
struct Place {
    exchange: Arc<Exchange<Signal>>,
    conn: ConnId,
    signal: Arc<Signal>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.exchange.disconnected(self.conn);
        exchange::Signal::cut(&*self.signal);
    }
}

impl Place {
    /// The reader.
    fn serve(self, config: WebSocketConfig) {
        let Self { exchange, conn, signal } = &self;
        let stream = Arc::clone(&signal.stream);
        // Frames are small and each is wanted at once.
        if stream.set_nodelay(true).is_err() || signal.reader.set(thread::current()).is_err() {
            return;
        }
        let on_write = || exchange::Signal::ready(&**signal);
        let half = ReadHalf { stream, outbox: None, closing: false, on_write };
        let mut socket = match accept_with_config(half, Some(config)) {
            Ok(socket) => socket,
            Err(error) => return tracing::debug!(?conn, %error, "no handshake"),
        };
        signal.shaking_hands.store(false, Ordering::Release);
        let outbox = Arc::new(Outbox::default());
        socket.get_mut().outbox = Some(Arc::clone(&outbox));
        let writer = {
            let (exchange, conn, signal) = (Arc::clone(exchange), *conn, Arc::clone(signal));
            spawn("writer", move || {
                let written = write(&exchange, conn, &signal, &outbox);
                if let Err(error) = written {
                    tracing::debug!(?conn, %error, "write failed");
                    exchange::Signal::cut(&*signal);
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
        if self.read_messages(&mut socket).is_ok() {
            self.read_rest();
            // It may have the close frame to write yet.
            drop(writer.join());
        }
    }

    /// Returns when there are no more messages to read but the connection is to be closed in order.
    fn read_messages<F: Fn()>(&self, socket: &mut WebSocket<ReadHalf<F>>) -> Result<(), Lost> {
        loop {
            let received = Received::from(socket.read());
            match received {
                Received::End => return Err(Lost),
                Received::Close => {
                    // Has the answer put into the outbox before the writer is told to send it.
                    socket.get_mut().closing = true;
                    drop(socket.flush());
                }
                _ => {}
            }
            let mut wanted = self.exchange.received(self.conn, &received);
            if !received.goes_on() {
                return Ok(());
            }
            while !wanted && !self.signal.has_ended() {
                thread::park();
                wanted = self.exchange.wants_input(self.conn);
            }
        }
    }

    /// Reads until the peer closes: to drop the socket earlier could cost the peer what it has not
    /// read yet, the close frame included.
    fn read_rest(&self) {
        let mut rest = [0; 4096];
        while matches!((&*self.signal.stream).read(&mut rest), Ok(1..)) {}
    }
}

/// The socket is gone.
struct Lost;

/// The writer: puts what there is into one write, until all is written or the socket is gone.
fn write(
    exchange: &Exchange<Signal>,
    conn: ConnId,
    signal: &Signal,
    outbox: &Outbox,
) -> Result<(), tungstenite::Error> {
    let mut batch = VecDeque::new();
    let mut bytes = Vec::new();
    // The peer's close frame has been: nothing may follow (RFC 6455, 5.5.1).
    let mut answered = false;
    while !signal.has_ended() {
        exchange.pull(conn, &mut batch);
        if !batch.is_empty() {
            // There may be room for further replies.
            signal.reader.get().map(Thread::unpark);
        }
        let mut last = None;
        for to_send in batch.drain(..) {
            match to_send {
                ToSend::Message(_) if answered => {}
                ToSend::Message(message) => {
                    let text = OpCode::Data(Data::Text);
                    Frame::message(message.into_data(), text, true).format(&mut bytes)?;
                }
                ToSend::Close(frame) => last = Some(frame),
            }
        }
        answered = outbox.take(&mut bytes);
        if let Some(frame @ Some(_)) = last.clone()
            && !answered
        {
            Frame::close(frame).format(&mut bytes)?;
        }
        if bytes.is_empty() && last.is_none() {
            thread::park();
            continue;
        }
        (&*signal.stream).write_all(&bytes)?;
        bytes.clear();
        bytes.shrink_to(KEPT_BUFFER);
        if last.is_some() {
            signal.stream.shutdown(Shutdown::Write)?;
            return Ok(());
        }
    }
    Ok(())
}
