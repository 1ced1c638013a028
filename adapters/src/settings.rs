//! What a server is told when it starts.

use std::{sync::Arc, time::Duration};

use switchboard_core::{Authentication, Config, RingLimit};

#[cfg(feature = "exchange")]
use crate::{api::ApiConfig, record::Recorder};
use crate::{
    authenticate::Authenticate, forwarded::Cidrs, http::HttpConfig, observe::Observe,
    origin::Origins, peer::PeerConfig, tls::Tls, wire,
};

/// The settings of a server, apart from where it listens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The hub's, of which [`hub_config`](Self::hub_config) makes what the hub gets.
    pub hub: Config,
    /// The largest message that a client may send, in bytes of its text. Default: 65,536.
    pub max_message: usize,
    /// The certificate and the key, if clients are to speak TLS (`wss`). Default: none.
    pub tls: Option<Tls>,
    /// Whether each connection begins with a header of the PROXY protocol, version 1 or 2, in which
    /// a proxy says whose it is. Default: no.
    pub proxy_protocol: bool,
    /// Proxies that are believed when they say, in `X-Forwarded-For` or `Forwarded`, where a client
    /// comes from. Default: none.
    pub trusted_proxies: Cidrs,
    /// Web pages whose scripts may connect. Default: all.
    pub origins: Origins,
    /// What says whose a client's credential is. Default: a client is who it says it is.
    pub authenticate: Option<Arc<dyn Authenticate>>,
    /// The API for other systems, if there is to be one. Default: none.
    #[cfg(feature = "exchange")]
    pub api: Option<ApiConfig>,
    /// What answers requests that are none for a WebSocket, in the place of the API. Default:
    /// nothing, and without an API they are refused.
    pub http: Option<HttpConfig>,
    /// What is told who logs in and out. Default: nothing.
    pub observer: Option<Arc<dyn Observe>>,
    /// What writes down all that happens to the hub. Default: nothing.
    #[cfg(feature = "exchange")]
    pub recorder: Option<Recorder>,
    /// The time over which connections are closed when the server stops, so that not all come back
    /// elsewhere at once. Default: none.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        // No client can ask for a group in the text dialect.
        let hub = Config { max_groups: 0, ..Config::default() };
        Self {
            hub,
            max_message: 64 << 10,
            tls: None,
            proxy_protocol: false,
            trusted_proxies: Cidrs::default(),
            origins: Origins::default(),
            authenticate: None,
            #[cfg(feature = "exchange")]
            api: None,
            http: None,
            observer: None,
            #[cfg(feature = "exchange")]
            recorder: None,
            drain: Duration::ZERO,
        }
    }
}

impl Settings {
    /// The hub's settings, with room in each ring for a message of the largest size.
    pub fn hub_config(&self) -> Config {
        let fit = |ring: RingLimit| RingLimit { bytes: ring.bytes.max(self.max_message), ..ring };
        Config {
            everyone_ring: fit(self.hub.everyone_ring),
            user_ring: fit(self.hub.user_ring),
            group_ring: fit(self.hub.group_ring),
            authentication: match self.authenticate {
                Some(_) => Authentication::Checked,
                None => Authentication::Open,
            },
            ..self.hub.clone()
        }
    }

    /// The most bytes that messages and buffers can take, whatever clients do: what waits in the hub
    /// to be read, and each connection's buffers. A caller of the API, who is trusted, can take what
    /// [`HttpConfig`] allows in addition, while the call lasts.
    pub fn memory_bound(&self) -> u128 {
        let hub = self.hub_config();
        let buffers = self.peer_config().buffer_bound() as u128;
        hub.payload_bound() + hub.max_connections as u128 * buffers
    }

    /// What all clients have in common, of those that do not use the API.
    pub fn peer_config(&self) -> PeerConfig {
        PeerConfig {
            websocket: Some(wire::config(self.max_message)),
            http: self.http.clone(),
            tls: self.tls.clone(),
            proxy_protocol: self.proxy_protocol,
            trusted_proxies: self.trusted_proxies.clone(),
            origins: self.origins.clone(),
        }
    }
}
