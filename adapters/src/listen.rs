//! Where the server listens.

use std::{
    fmt, fs,
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    path::Path,
    time::{Duration, Instant},
};

use rustix::io::Errno;
#[cfg(feature = "cli")]
use socket2::SockRef;
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};
use switchboard_core::Refused;

use crate::{
    listener::{Listener, Stream},
    peer,
    seldom::Seldom,
};

/// Connections that may wait to be accepted. The system may allow fewer.
const BACKLOG: i32 = 4096;

/// How long a connection is silent before the system asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Listens on `address`, which is `HOST:PORT` or `unix:PATH`. Port 0 is any free one. A Unix
/// socket's file that no server listens on any more is replaced.
///
/// # Errors
/// Says in one line what is wrong with the address and what to do about it.
pub fn bind(address: &str) -> Result<Listener, ListenError> {
    match address.strip_prefix("unix:") {
        Some(path) => bind_unix(Path::new(path))
            .map_err(|error| ListenError { address: address.to_owned(), error }),
        None => bind_tcp(address).map(Listener::from),
    }
}

/// Listens on `address`, which is `HOST:PORT`.
///
/// # Errors
/// As [`bind`].
pub fn bind_tcp(address: &str) -> Result<TcpListener, ListenError> {
    let error = |error| ListenError { address: address.to_owned(), error };
    let mut last = ErrorKind::AddrNotAvailable.into();
    for resolved in address.to_socket_addrs().map_err(error)? {
        match listen(resolved) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(error(last))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server must not wait for the old connections' ports to be given free.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // Accepted sockets inherit it on Linux. It finds peers that have vanished without a word.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(unix)]
fn bind_unix(path: &Path) -> io::Result<Listener> {
    use std::os::unix::fs::FileTypeExt;

    let address = SockAddr::unix(path)?;
    let is_left_behind = || -> io::Result<bool> {
        let is_socket = fs::symlink_metadata(path)?.file_type().is_socket();
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // A server that hangs would let this one wait.
        socket.set_nonblocking(true)?;
        Ok(is_socket && socket.connect(&address).is_err_and(is_refused))
    };
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    match socket.bind(&address) {
        // A server that was killed leaves its file behind. Any other file refuses, too.
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_behind()? => {
            fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        bound => bound?,
    }
    let listener = Listener::new(socket, Some(path.into()));
    listener.listen(BACKLOG)?;
    Ok(listener)
}

#[cfg(unix)]
fn is_refused(error: io::Error) -> bool {
    error.kind() == ErrorKind::ConnectionRefused
}

#[cfg(not(unix))]
fn bind_unix(_path: &Path) -> io::Result<Listener> {
    Err(ErrorKind::Unsupported.into())
}

/// Answers a connection for which the hub has no place, and says so in the log once a minute.
pub fn refuse(stream: &Stream, refused: Refused) {
    static SELDOM: Seldom = Seldom::new();
    stream.answer(&peer::refusal(refused));
    if let Some(unsaid) = SELDOM.is_time(Instant::now()) {
        tracing::warn!(unsaid, "refused a connection: {refused}");
    }
}

/// Makes a listening socket that somebody else has opened like one of [`bind`]'s.
///
/// # Errors
/// If it does not listen.
#[cfg(feature = "cli")]
pub(crate) fn adopt(listener: impl Into<Listener>) -> io::Result<Listener> {
    let listener = listener.into();
    let socket = SockRef::from(&listener);
    if !socket.is_listener()? {
        return Err(io::Error::other("the socket that was passed does not listen"));
    }
    if listener.tcp_address().is_some() {
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    }
    // An adapter says otherwise if it wants to.
    socket.set_nonblocking(false)?;
    Ok(listener.shared())
}

/// How long to wait after a connection could not be accepted, if at all. A lack is said in the log
/// once a minute.
///
/// A connection that broke off early says nothing about the next one. A lack of file descriptors
/// or memory lasts, and to ask again at once would only keep a core busy.
pub fn pause_after(error: &io::Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => None,
        _ => {
            static SELDOM: Seldom = Seldom::new();
            let advice = match Errno::from_io_error(error) {
                Some(Errno::MFILE) => "; allow this process more with ulimit -n or LimitNOFILE",
                Some(Errno::NFILE) => "; allow the system more with the sysctl fs.file-max",
                _ => "",
            };
            if let Some(unsaid) = SELDOM.is_time(Instant::now()) {
                tracing::warn!(
                    unsaid,
                    "cannot accept connections for the time being: {error}{advice}"
                );
            }
            Some(Duration::from_millis(500))
        }
    }
}

const EXPECTED: &str = "expected ADDR:PORT, such as 127.0.0.1:1234, or unix:PATH";

/// Why the server cannot listen.
#[derive(Debug)]
pub struct ListenError {
    address: String,
    error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, error } = self;
        write!(f, "cannot listen on '{address}': ")?;
        match error.kind() {
            ErrorKind::AddrInUse if address.starts_with("unix:") => f.write_str(
                "a server listens there, or the file is no socket; stop it or choose another path",
            ),
            ErrorKind::NotFound if address.starts_with("unix:") => {
                f.write_str("there is no such directory; create it or choose another path")
            }
            ErrorKind::InvalidInput if address.starts_with("unix:") => {
                f.write_str("the path is too long for a Unix socket; choose a shorter one")
            }
            ErrorKind::PermissionDenied if address.starts_with("unix:") => {
                f.write_str("not permitted; choose a directory that this user can write to")
            }
            ErrorKind::AddrInUse => f.write_str(
                "the port is in use; stop the program that has it or choose another with --listen",
            ),
            ErrorKind::PermissionDenied => {
                f.write_str("not permitted; ports below 1024 usually need privileges")
            }
            ErrorKind::AddrNotAvailable => {
                f.write_str("this machine has no such address; use 0.0.0.0 to listen on all it has")
            }
            ErrorKind::InvalidInput => f.write_str(EXPECTED),
            _ if Errno::from_io_error(error) == Some(Errno::MFILE) => {
                write!(f, "{error}; allow this process more with ulimit -n or LimitNOFILE")
            }
            _ => write!(f, "{error}; {EXPECTED}"),
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
