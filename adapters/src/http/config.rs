//! What a server has of HTTP.

use std::sync::Arc;

use super::{Service, head::MAX_HEAD};

/// A service, and what requests and responses may take.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// What answers.
    pub service: Arc<dyn Service>,
    /// The most bytes of body that a request can have, whatever the service
    /// [admits](Service::admit). Default: 65,536.
    pub max_body: usize,
    /// The most bytes that a response can have, with its headers. The service is answered for with
    /// status 500 if it gives more. Default: 1 MiB.
    pub max_response: usize,
}

impl HttpConfig {
    /// The default limits.
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self { service, max_body: 64 << 10, max_response: 1 << 20 }
    }

    /// The most bytes of a request that are kept while it comes in. A buffer that grows can have
    /// twice of what is in it.
    pub(crate) fn incoming_bound(&self) -> usize {
        2 * (MAX_HEAD + self.max_body)
    }
}
