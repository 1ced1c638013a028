//! A stream that pauses now and then, however much its peer sends.

use std::io::{self, ErrorKind, Read, Write};

/// Bytes that are read before others have a turn.
const AT_ONCE: usize = 16 << 10;

/// After each 16 KiB that were read, says once that there is nothing to read for the time being.
///
/// tungstenite reads until it has a message. A peer that sends fragments of a message without end,
/// each of them empty, keeps it reading for as long as there is something to read.
#[derive(Debug)]
pub struct Paced<S> {
    stream: S,
    left: usize,
    paused: bool,
}

impl<S> Paced<S> {
    /// Paces `stream`.
    pub fn new(stream: S) -> Self {
        Self { stream, left: AT_ONCE, paused: false }
    }

    /// The stream itself.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Whether it has paused since this was asked last: then there may be more to read at once.
    pub fn take_paused(&mut self) -> bool {
        std::mem::take(&mut self.paused)
    }

    fn is_time_to_pause(&mut self) -> bool {
        let pause = self.left == 0;
        if pause {
            self.left = AT_ONCE;
            self.paused = true;
        }
        pause
    }
}

impl<S: Read> Read for Paced<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_time_to_pause() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let read = self.stream.read(buf)?;
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}

impl<S: Write> Write for Paced<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(feature = "smol")]
mod asynchronous {
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll, ready},
    };

    use ::smol::io::{AsyncRead, AsyncWrite};

    use super::Paced;

    impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            if self.is_time_to_pause() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            self.left = self.left.saturating_sub(read);
            Poll::Ready(Ok(read))
        }
    }

    impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.stream).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_close(cx)
        }
    }
}
