//! What the process is told while it runs.

use std::{io, thread};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::service;
use crate::Stopper;

/// Stops the server at the first Ctrl-C or SIGTERM, and the process at the second. Calls
/// `on_hangup` at each SIGHUP.
pub(super) fn handle(
    stopper: Stopper,
    mut on_hangup: impl FnMut() + Send + 'static,
) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            if signal == SIGHUP {
                on_hangup();
                continue;
            }
            if is_stopping {
                std::process::exit(128 + signal);
            }
            is_stopping = true;
            tracing::info!("closing all connections; a second signal ends at once");
            service::stopping();
            // Last of all: the process can end from here on.
            stopper.stop();
        }
    })?;
    Ok(())
}
