//! What the peers of a server have in common.

use std::net::IpAddr;

use tungstenite::protocol::WebSocketConfig;

use super::{MAX_PONGS, READ_AT_ONCE, requests::MAX_WAITING};
use crate::{
    forwarded::Cidrs,
    http::{HttpConfig, Wrong},
    origin::Origins,
    tls::Tls,
    wire::WRITE_BUFFER,
};

/// What is said to whoever asks for something else than a WebSocket, if there is nothing else.
pub(super) const WEBSOCKETS_ONLY: &str = "this is a WebSocket server";

/// What all peers of a server have in common.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// The size of messages and of buffers; `None` if a client cannot become a WebSocket and is
    /// answered 404.
    pub websocket: Option<WebSocketConfig>,
    /// What other requests get. `None`: they are refused.
    pub http: Option<HttpConfig>,
    /// The certificate, if connections begin with TLS.
    pub tls: Option<Tls>,
    /// Whether connections begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Proxies that are believed when they say where a client comes from.
    pub trusted_proxies: Cidrs,
    /// Web pages whose scripts may connect.
    pub origins: Origins,
}

impl PeerConfig {
    /// What is known of where a client comes from when its socket, which comes from `address`, has
    /// been accepted. If it is nothing, the peer [tells](crate::wire::Received::Address) later.
    pub fn known_address(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        address.filter(|address| !self.proxy_protocol && !self.is_proxy(*address))
    }

    /// What a client is told that sent something wrong.
    pub(super) fn told(&self, wrong: Wrong) -> Wrong {
        match self.http {
            Some(_) => wrong,
            None => Wrong { why: WEBSOCKETS_ONLY, ..wrong },
        }
    }

    /// Whether requests from this address are those of others.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        self.trusted_proxies.contains(address)
    }

    /// The most bytes that the buffers of a client can take, whatever it does: what was read and is
    /// part of a message, and what is to be written. The allocator adds to that what it will.
    pub fn buffer_bound(&self) -> usize {
        let message =
            self.websocket.map_or(0, |config| config.max_message_size.unwrap_or(usize::MAX / 64));
        let (request, response) = self
            .http
            .as_ref()
            .map_or((0, 0), |http| (http.incoming_bound(), MAX_WAITING + http.max_response));
        // tungstenite has a frame that is coming in, and the message that it is part of.
        let incoming = 2 * READ_AT_ONCE + request.max(2 * message);
        // The last responses may wait when there is a WebSocket already.
        let outgoing = 2 * (WRITE_BUFFER + message + MAX_PONGS + response);
        match self.tls {
            // The largest handshake that rustls takes, a record each way, and what is sealed.
            Some(_) => incoming + 2 * outgoing + (64 << 10) + 2 * (17 << 10),
            None => incoming + outgoing,
        }
    }
}
