//! HTTP/1.1 beside WebSockets, on the same port and sans-IO (RFC 9110, RFC 9112).
//!
//! ```text
//!   head --> Service::admit --> body --> Service::call --> response, and the next head
//!                 |                                           ^
//!                 +-------------------------------------------+
//! ```
//!
//! An embedder writes a [`Service`] and puts it into an [`HttpConfig`]. The rest is what a
//! [`Peer`](crate::peer::Peer) makes of it: one concept a file, each a function of bytes.

mod bearer;
pub(crate) mod body;
mod caller;
mod config;
pub(crate) mod head;
pub(crate) mod response;
mod service;
#[cfg(test)]
mod tests;
mod wrong;

pub use bearer::bearer;
pub use caller::Caller;
pub use config::HttpConfig;
pub use service::Service;

pub(crate) use wrong::Wrong;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Whether a header that is a list (RFC 9110, 5.6.1) has this entry, in any case.
pub(crate) fn lists(headers: &HeaderMap, name: HeaderName, entry: &str) -> bool {
    let lines = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let mut entries = lines.flat_map(|line| line.split(|&byte| byte == b','));
    entries.any(|listed| listed.trim_ascii().eq_ignore_ascii_case(entry.as_bytes()))
}
