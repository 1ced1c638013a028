//! One connection, as one task that both reads and writes.
//!
//! Handshake, then read and write side by side, then, once the close frame is written, wait for the
//! peer to close its side. The task ends at any point when it is cut.

use std::{
    collections::VecDeque,
    future::Future,
    future::poll_fn,
    net::{Shutdown, SocketAddr},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use ::smol::{io::AsyncRead, net::TcpStream, stream::Stream};
use async_tungstenite::{WebSocketStream, accept_async_with_config};
use atomic_waker::AtomicWaker;
use futures_util::Sink;
use switchboard_core::ConnId;
use tungstenite::{Error, Message, error::ProtocolError, protocol::WebSocketConfig};

use crate::{
    exchange::{self, Exchange},
    paced::Paced,
    wire::{Received, ToSend},
};

/// Messages that a connection reads before it lets others run.
const MESSAGES_AT_ONCE: usize = 32;

/// Batches of frames that it writes before it lets others run.
const BATCHES_AT_ONCE: usize = 8;

/// Reaches the connection's task.
#[derive(Default)]
pub(super) struct Signal {
    task: AtomicWaker,
    cut: AtomicBool,
}

impl exchange::Signal for Signal {
    fn ready(&self) {
        self.task.wake();
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Signal {
    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }
}

pub(super) async fn serve(
    exchange: Arc<Exchange<Signal>>,
    stream: TcpStream,
    peer: SocketAddr,
    config: WebSocketConfig,
) {
    let signal = Arc::new(Signal::default());
    let conn = match exchange.connect(Arc::clone(&signal)) {
        Ok(conn) => conn,
        Err(refused) => return tracing::debug!(%peer, %refused, "refused"),
    };
    tracing::debug!(?conn, %peer, "connected");
    let place = Place { exchange: &exchange, conn, signal: &signal };
    // Frames are small and each is wanted at once.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(socket) = place.shake_hands(stream, config).await else {
        return;
    };
    let mut connection = Connection {
        place,
        socket,
        batch: VecDeque::new(),
        reading: Reading::Messages,
        writing: Writing::Messages,
    };
    poll_fn(|cx| connection.poll(cx)).await;
}

/// The connection's place in the exchange, which it loses when the task ends, however it ends.
struct Place<'a> {
    exchange: &'a Exchange<Signal>,
    conn: ConnId,
    signal: &'a Signal,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.exchange.disconnected(self.conn);
    }
}

impl Place<'_> {
    /// Answers the client's handshake, unless the hub closes the connection first: before the
    /// login, a close is the only thing that there can be to pull.
    async fn shake_hands(
        &self,
        stream: TcpStream,
        config: WebSocketConfig,
    ) -> Option<WebSocketStream<Paced<TcpStream>>> {
        let mut handshake = pin!(accept_async_with_config(Paced::new(stream), Some(config)));
        let mut closed = VecDeque::new();
        poll_fn(|cx| {
            self.signal.task.register(cx.waker());
            self.exchange.pull(self.conn, &mut closed);
            if self.signal.is_cut() || !closed.is_empty() {
                return Poll::Ready(None);
            }
            let done = ready!(handshake.as_mut().poll(cx));
            let log = |error: &Error| tracing::debug!(conn = ?self.conn, %error, "no handshake");
            Poll::Ready(done.inspect_err(log).ok())
        })
        .await
    }
}

struct Connection<'a> {
    place: Place<'a>,
    socket: WebSocketStream<Paced<TcpStream>>,
    /// Pulled, and not yet taken by the socket: about one write's worth.
    batch: VecDeque<ToSend>,
    reading: Reading,
    writing: Writing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Messages.
    Messages,
    /// Nothing until something has been pulled.
    Paused,
    /// Bytes that do not matter any more, until the peer closes.
    Rest,
    /// The peer has closed.
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Messages,
    /// The close frame is with the socket.
    Close,
    /// All is written.
    Done,
}

/// The socket is to be dropped.
struct Lost;

impl Connection<'_> {
    /// Ready when the socket is to be dropped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.place.signal.task.register(cx.waker());
        if self.place.signal.is_cut() {
            return Poll::Ready(());
        }
        if let Poll::Ready(Err(error)) = self.poll_write(cx) {
            tracing::debug!(conn = ?self.place.conn, %error, "write failed");
            return Poll::Ready(());
        }
        // A full socket must not keep the connection from reading.
        if let Poll::Ready(Err(Lost)) = self.poll_read(cx) {
            return Poll::Ready(());
        }
        match (self.reading, self.writing) {
            (Reading::Done, Writing::Done) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Writes what there is to write. Pending when the socket is full, ready when all is written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.writing == Writing::Messages {
            match ready!(self.poll_write_messages(cx)) {
                // The peer has closed first, and tungstenite answers that: nothing else is written.
                Err(
                    Error::ConnectionClosed
                    | Error::AlreadyClosed
                    | Error::Protocol(ProtocolError::SendAfterClosing),
                ) => self.writing = Writing::Close,
                Err(error) => return Poll::Ready(Err(error)),
                Ok(()) => {}
            }
        }
        if self.writing == Writing::Close {
            if self.reading != Reading::Done {
                self.reading = Reading::Rest;
            }
            ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            self.socket.get_ref().get_ref().shutdown(Shutdown::Write)?;
            self.writing = Writing::Done;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_messages(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut batches = 0;
        loop {
            if self.batch.is_empty() {
                ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
                if batches == BATCHES_AT_ONCE {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                batches += 1;
                self.place.exchange.pull(self.place.conn, &mut self.batch);
            }
            ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
            let message = match self.batch.pop_front() {
                None => return Poll::Ready(Ok(())),
                Some(ToSend::Message(message)) => message,
                Some(ToSend::Close(frame)) => {
                    self.writing = Writing::Close;
                    match frame {
                        None => return Poll::Ready(Ok(())),
                        frame => Message::Close(frame),
                    }
                }
            };
            Pin::new(&mut self.socket).start_send(message)?;
            if self.writing == Writing::Close {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Reads what there is to read. Pending when that is all for the time being.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        for _ in 0..MESSAGES_AT_ONCE {
            match self.reading {
                Reading::Messages => ready!(self.poll_message(cx))?,
                Reading::Paused if self.wants_input() => self.reading = Reading::Messages,
                Reading::Paused => return Poll::Pending,
                Reading::Rest => ready!(self.poll_rest(cx))?,
                Reading::Done => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn wants_input(&self) -> bool {
        self.place.exchange.wants_input(self.place.conn)
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let read = ready!(Pin::new(&mut self.socket).poll_next(cx));
        let received = read.map_or(Received::End, Received::from);
        if let Received::End = received {
            return Poll::Ready(Err(Lost));
        }
        let wanted = self.place.exchange.received(self.place.conn, &received);
        if !received.goes_on() {
            self.reading = Reading::Rest;
        } else if !wanted {
            self.reading = Reading::Paused;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads until the peer closes: to drop the socket earlier could cost the peer what it has not
    /// read yet, the close frame included.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let read = ready!(Pin::new(self.socket.get_mut()).poll_read(cx, &mut [0; 4096]));
        match read {
            Ok(0) => self.reading = Reading::Done,
            Ok(_) => {}
            Err(_) => return Poll::Ready(Err(Lost)),
        }
        Poll::Ready(Ok(()))
    }
}
