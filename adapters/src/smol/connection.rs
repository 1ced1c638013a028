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
use tungstenite::{Error, Message, protocol::WebSocketConfig};

use crate::{
    exchange::{self, Exchange},
    wire::{Received, ToSend},
};

/// Messages that a connection reads before it lets others run.
const MESSAGES_AT_ONCE: usize = 32;

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
    ) -> Option<WebSocketStream<TcpStream>> {
        let mut handshake = pin!(accept_async_with_config(stream, Some(config)));
        let mut closed = VecDeque::new();
        poll_fn(|cx| {
            self.signal.task.register(cx.waker());
            self.exchange.pull(self.conn, &mut closed);
            if self.signal.is_cut() || !closed.is_empty() {
                return Poll::Ready(None);
            }
            let done = ready!(handshake.as_mut().poll(cx));
            Poll::Ready(done.inspect_err(|error| tracing::debug!(conn = ?self.conn, %error)).ok())
        })
        .await
    }
}

struct Connection<'a> {
    place: Place<'a>,
    socket: WebSocketStream<TcpStream>,
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
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Messages,
    /// The close frame is with the socket.
    Close,
    /// All is written.
    Done,
}

impl Connection<'_> {
    /// Ready when the socket is to be dropped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.place.signal.task.register(cx.waker());
        if self.place.signal.is_cut() {
            return Poll::Ready(());
        }
        // A full socket must not keep the connection from reading.
        if let Poll::Ready(Err(error)) = self.poll_write(cx) {
            tracing::debug!(conn = ?self.place.conn, %error, "write failed");
            return Poll::Ready(());
        }
        if self.reading != Reading::Rest {
            ready!(self.poll_messages(cx));
        }
        self.poll_rest(cx)
    }

    /// Writes what there is to write. Pending when the socket is full, ready when all is written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.writing == Writing::Messages {
            if self.batch.is_empty() {
                self.place.exchange.pull(self.place.conn, &mut self.batch);
            }
            if self.batch.is_empty() {
                return Pin::new(&mut self.socket).poll_flush(cx);
            }
            ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
            match self.batch.pop_front() {
                Some(ToSend::Message(message)) => {
                    Pin::new(&mut self.socket).start_send(message)?;
                }
                Some(ToSend::Close(frame)) => {
                    self.writing = Writing::Close;
                    if frame.is_some() {
                        Pin::new(&mut self.socket).start_send(Message::Close(frame))?;
                    }
                }
                None => {}
            }
        }
        if self.writing == Writing::Close {
            ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            self.socket.get_ref().shutdown(Shutdown::Write)?;
            self.writing = Writing::Done;
            self.reading = Reading::Rest;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads messages. Ready when no more of them are to be read.
    fn poll_messages(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Place { exchange, conn, .. } = self.place;
        if self.reading == Reading::Paused && !exchange.wants_input(conn) {
            return Poll::Pending;
        }
        self.reading = Reading::Messages;
        for _ in 0..MESSAGES_AT_ONCE {
            let read = ready!(Pin::new(&mut self.socket).poll_next(cx));
            let received = read.map_or(Received::End, Received::from);
            let wanted = exchange.received(conn, &received);
            if !received.goes_on() {
                self.reading = Reading::Rest;
                return Poll::Ready(());
            }
            if !wanted {
                self.reading = Reading::Paused;
                break;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads until the peer closes: to drop the socket earlier could cost the peer what it has not
    /// read yet, the close frame included.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut rest = [0; 4096];
        for _ in 0..MESSAGES_AT_ONCE {
            match ready!(Pin::new(self.socket.get_mut()).poll_read(cx, &mut rest)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
