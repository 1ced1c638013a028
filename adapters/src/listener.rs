//! A listening socket and what it accepts, of whatever family.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpListener},
    path::PathBuf,
};

use socket2::Socket;

/// A listening socket: TCP, or a Unix socket where there are any.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// A Unix socket's file, which goes with the listener.
    file: Option<SocketFile>,
    /// Others go on with it.
    shared: bool,
}

#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already, which is just as well.
        drop(std::fs::remove_file(&self.0));
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self { socket: listener.into(), file: None, shared: false }
    }
}

/// The file remains when the listener is dropped.
#[cfg(unix)]
impl From<std::os::unix::net::UnixListener> for Listener {
    fn from(listener: std::os::unix::net::UnixListener) -> Self {
        Self { socket: std::os::fd::OwnedFd::from(listener).into(), file: None, shared: false }
    }
}

impl Listener {
    /// A listening socket. `file` is that of a Unix socket, to be removed with the listener.
    pub(crate) fn new(socket: Socket, file: Option<PathBuf>) -> Self {
        Self { socket, file: file.map(SocketFile), shared: false }
    }

    /// The same, for a socket that others have, too, and go on with when this server has ended.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    pub(crate) fn listen(&self, backlog: i32) -> io::Result<()> {
        self.socket.listen(backlog)
    }

    /// Where clients connect to: a URL, such as `ws://127.0.0.1:1234`, or `unix:PATH`.
    pub fn url(&self, scheme: &str) -> String {
        match (self.tcp_address(), &self.file) {
            (Some(address), _) => format!("{scheme}://{address}"),
            (None, Some(SocketFile(path))) => format!("unix:{}", path.display()),
            (None, None) => {
                let address = self.socket.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                path.map_or_else(
                    || "a Unix socket".into(),
                    |path| format!("unix:{}", path.display()),
                )
            }
        }
    }

    /// The address, unless it is a Unix socket.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    /// Waits for the next connection, unless the listener does not block.
    ///
    /// # Errors
    /// [`pause_after`](crate::listen::pause_after) says what to make of one.
    pub fn accept(&self) -> io::Result<Stream> {
        let (socket, address) = self.socket.accept()?;
        Ok(Stream { socket, address: address.as_socket() })
    }

    /// Has a thread that waits in [`accept`](Self::accept) return.
    pub fn interrupt(&self) {
        // On Linux this is enough; elsewhere, or if others are to go on with it, a connection does.
        if !self.shared {
            drop(self.socket.shutdown(Shutdown::Both));
        }
        if let Ok(address) = self.socket.local_addr()
            && let Ok(socket) = Socket::new(address.domain(), socket2::Type::STREAM, None)
        {
            drop(socket.set_nonblocking(true));
            drop(socket.connect(&address));
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Listener {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A connection that was accepted.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    address: Option<SocketAddr>,
}

impl Stream {
    /// The other end's address, unless it came through a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The other end's IP address, unless it came through a Unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip())
    }

    /// Sends small writes at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// The socket is of no use any more.
    pub fn set_nodelay(&self) -> io::Result<()> {
        if self.address.is_some() { self.socket.set_tcp_nodelay(true) } else { Ok(()) }
    }

    /// Has reads and writes fail that would have to wait.
    ///
    /// # Errors
    /// The socket is of no use any more.
    pub fn set_nonblocking(&self) -> io::Result<()> {
        self.socket.set_nonblocking(true)
    }

    /// Ends one direction, or both.
    ///
    /// # Errors
    /// The socket is of no use any more.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shutdown(how)
    }

    /// Answers a connection that is not served, as far as that does not take waiting.
    pub(crate) fn answer(&self, response: &[u8]) {
        // What fails here fails because the peer has gone, or reads nothing: it is dropped anyway.
        drop(self.socket.set_nonblocking(true));
        drop((&self.socket).write(response));
        drop(self.socket.shutdown(Shutdown::Write));
        // A socket that is dropped with something unread resets the connection, and the answer
        // could be lost.
        drop((&self.socket).read(&mut [0; 4096]));
    }
}

impl Read for &Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&self.socket).read(buf)
    }
}

impl Write for &Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&self.socket).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Stream {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
