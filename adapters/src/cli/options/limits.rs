//! How much there may be.

use bytesize::ByteSize;
use clap::Args;
use switchboard_core::{Config, Rate, RingLimit};

use crate::{Settings, cli::values};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli) struct LimitOptions {
    /// Connections at a time; no more than the files that the process may open (ulimit -n)
    #[arg(long, value_name = "COUNT", default_value = "1000000", value_parser = count)]
    max_connections: usize,

    /// Connections at a time from one address, or from one /64 of IPv6; without it, any number
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_address: Option<u32>,

    /// Attempts to log in that may come from one address in a second, and at once: 5/20. More get an
    /// error, far more are closed with 1008; without it, any number
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    login_rate: Option<Rate>,

    /// Messages that a client may send in a second, and at once: 10/100. Those above get an error, and
    /// with far more it is closed with 1008; without it, any number
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    message_rate: Option<Rate>,

    /// The same for the bytes of its messages: 64KiB/1MiB
    #[arg(long, value_name = "RATE", value_parser = values::byte_rate)]
    byte_rate: Option<Rate>,

    /// The largest message that a client may send, in bytes or such as 64KiB; at most 64MiB
    #[arg(long, value_name = "BYTES", default_value = "64KiB", value_parser = message_size)]
    pub(super) max_message: usize,

    /// Messages to one user that are kept for those of its connections that have yet to read them
    #[arg(long, value_name = "COUNT", default_value = "256", value_parser = count)]
    user_ring_messages: usize,

    /// How much those to one user may take in bytes; one of the largest size always has room
    #[arg(long, value_name = "BYTES", default_value = "256KiB", value_parser = ring_size)]
    user_ring_bytes: usize,

    /// Messages to everybody that are kept for those who have yet to read them
    #[arg(long, value_name = "COUNT", default_value = "1024", value_parser = count)]
    everyone_ring_messages: usize,

    /// How much those to everybody may take in bytes; one of the largest size always has room
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = ring_size)]
    everyone_ring_bytes: usize,
}

fn message_size(value: &str) -> Result<usize, String> {
    values::bytes(value, 1..=64 << 20)
}

fn ring_size(value: &str) -> Result<usize, String> {
    values::bytes(value, 1..=1 << 30)
}

fn count(value: &str) -> Result<usize, String> {
    values::count(value, 1..=1_000_000_000)
}

impl LimitOptions {
    pub(super) fn set(&self, hub: &mut Config, files: u64) -> Result<(), String> {
        if let Some(rate) = self.byte_rate
            && (rate.burst as usize) < self.max_message
        {
            let (burst, message) = (rate.burst, self.max_message);
            return Err(format!(
                "byte-rate has {burst} bytes at once, expected at least max-message, {message}: no \
                 message of that size could be sent"
            ));
        }
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        hub.max_connections = self.max_connections.min(files);
        hub.max_connections_per_address = self.max_connections_per_address;
        hub.login_rate = self.login_rate;
        hub.message_rate = self.message_rate;
        hub.byte_rate = self.byte_rate;
        hub.user_ring = RingLimit { entries: self.user_ring_messages, bytes: self.user_ring_bytes };
        hub.everyone_ring =
            RingLimit { entries: self.everyone_ring_messages, bytes: self.everyone_ring_bytes };
        Ok(())
    }

    /// What the limits come to.
    pub(in crate::cli) fn summary(&self, settings: &Settings) -> String {
        let hub = settings.hub_config();
        let lowered = if hub.max_connections < self.max_connections {
            ", as many as this process may open files (ulimit -n, LimitNOFILE)"
        } else {
            ""
        };
        let bytes = |bound| ByteSize(u64::try_from(bound).unwrap_or(u64::MAX));
        let (messages, all) = (bytes(hub.payload_bound()), bytes(settings.memory_bound()));
        let count = hub.max_connections;
        format!(
            "at most {count} connections{lowered}; messages that wait to be read take at most \
             {messages}, with the connections' buffers at most {all}"
        )
    }
}
