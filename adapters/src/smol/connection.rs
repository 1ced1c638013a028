//! One connection, as one task that both reads and writes.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::Shutdown,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use ::smol::{
    Async,
    future::poll_fn,
    io::{AsyncRead, AsyncWrite},
};
use atomic_waker::AtomicWaker;

use crate::{
    exchange::{self, Exchange, Place},
    listen,
    listener::Stream,
    nonblocking::{Socket, Turn},
    peer::PeerConfig,
};

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

/// Serves a connection until it has ended, or is cut.
pub(super) async fn serve(
    exchange: Arc<Exchange<Signal>>,
    stream: Async<Stream>,
    config: Arc<PeerConfig>,
) {
    let signal = Arc::new(Signal::default());
    let ip = stream.get_ref().ip();
    let conn = match exchange.connect(Arc::clone(&signal), config.known_address(ip)) {
        Ok(conn) => conn,
        Err(refused) => return listen::refuse(stream.get_ref(), refused),
    };
    let mut place = Place::new(&exchange, conn);
    let address = stream.get_ref().address();
    tracing::debug!(?conn, peer = address.map(tracing::field::display), "connected");
    // Frames are small and each is wanted at once.
    if stream.get_ref().set_nodelay().is_err() {
        return;
    }
    let mut socket = Socket::new(config, ip);
    poll_fn(|cx| {
        signal.task.register(cx.waker());
        if signal.cut.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        loop {
            match socket.turn(&mut Polled { stream: &stream, cx }, &mut place) {
                Turn::Again => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Turn::Wait => return Poll::Pending,
                Turn::ShutDownWrite => {
                    if stream.get_ref().shutdown(Shutdown::Write).is_err() {
                        return Poll::Ready(());
                    }
                }
                Turn::End => return Poll::Ready(()),
            }
        }
    })
    .await;
}

/// A stream that has the task woken when what would block does not any more.
struct Polled<'a, 'b> {
    stream: &'a Async<Stream>,
    cx: &'a mut Context<'b>,
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl Read for Polled<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut self.stream).poll_read(self.cx, buf))
    }
}

impl Write for Polled<'_, '_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut self.stream).poll_write(self.cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
