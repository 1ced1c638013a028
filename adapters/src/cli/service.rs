//! The server as a service of systemd, or of whatever speaks its protocols.

use std::io;

use listenfd::ListenFd;
use sd_notify::NotifyState;

use crate::{Listener, listen};

/// The listening socket that the process was started with (`LISTEN_FDS`, `LISTEN_PID`), if any.
pub(super) fn passed_listener() -> io::Result<Option<Listener>> {
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        let count = passed.len();
        return Err(io::Error::other(format!("{count} sockets were passed; expected one")));
    }
    // Whatever is not TCP is tried as a Unix socket.
    if let Ok(Some(listener)) = passed.take_tcp_listener(0) {
        return listen::adopt(listener).map(Some);
    }
    let listener = passed.take_unix_listener(0).map_err(|_| {
        io::Error::other("the socket that was passed is of no use: expected TCP or Unix")
    })?;
    listener.map(listen::adopt).transpose()
}

/// Tells the service manager that connections are welcome.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells the service manager that the end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("closing all connections")]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("cannot tell the service manager: {error}");
    }
}
