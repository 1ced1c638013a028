//! Who calls.

use std::net::IpAddr;

use http::HeaderMap;

use crate::{
    forwarded::{self, Cidrs},
    peer::PeerConfig,
};

/// What is known of who sent a request. It is among the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Where the request comes from, as far as trusted proxies tell. `None` if it is not known, as
    /// with a Unix socket.
    pub address: Option<IpAddr>,
    /// Whether anything says that a proxy has passed the request on, trusted or not. Then a local
    /// [`address`](Self::address) may be that of a proxy that nobody has said to trust, and is no
    /// proof of a local caller. That a caller can feign it does no harm: it can only lose by it.
    pub is_forwarded: bool,
}

impl Caller {
    /// Who sent a request with these headers over a connection from `peer`.
    pub(crate) fn new(config: &PeerConfig, peer: Option<IpAddr>, headers: &HeaderMap) -> Self {
        let trusted: &Cidrs = &config.trusted_proxies;
        Self {
            address: peer.map(|peer| forwarded::client_address(peer, trusted, headers)),
            is_forwarded: config.proxy_protocol || forwarded::has_passed_a_proxy(headers),
        }
    }
}
