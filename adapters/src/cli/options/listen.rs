//! Where the server listens.

use clap::{Args, ValueEnum};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(in crate::cli) struct ListenOptions {
    /// Where to listen: ADDR:PORT, where port 0 is any free one, or unix:PATH. A socket that systemd
    /// passes takes its place
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1234")]
    #[arg(value_parser = address)]
    pub(in crate::cli) listen: String,

    /// Where to serve the page, the HTTP API, /metrics, /healthz and /readyz, and WebSockets, too;
    /// --listen then serves WebSockets only. Without this, --listen serves all
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(in crate::cli) admin_listen: Option<String>,

    /// What carries the connections
    #[arg(long)]
    #[cfg_attr(feature = "smol", arg(default_value = "smol"))]
    #[cfg_attr(not(feature = "smol"), arg(default_value = "blocking"))]
    pub(in crate::cli) runtime: Runtime,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum Runtime {
    /// Tasks on all cores
    #[cfg(feature = "smol")]
    Smol,
    /// Two threads for each connection
    #[cfg(feature = "blocking")]
    Blocking,
}

/// Whether this has the form of an address. Whether there is such a host, only listening can tell.
fn address(value: &str) -> Result<String, String> {
    let is_address = match (value.strip_prefix("unix:"), value.rsplit_once(':')) {
        (Some(path), _) => !path.is_empty(),
        (None, Some((host, port))) => !host.is_empty() && port.parse::<u16>().is_ok(),
        (None, None) => false,
    };
    let expected = "expected ADDR:PORT, such as 127.0.0.1:1234 or [::1]:1234, or unix:PATH";
    if is_address { Ok(value.to_owned()) } else { Err(expected.to_owned()) }
}
