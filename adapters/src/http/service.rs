//! What answers requests.

use std::fmt::Debug;

use bytes::Bytes;
use http::{Request, Response};

use super::Caller;

/// Answers the requests that are none for a WebSocket.
///
/// A response is given without the headers that are about the connection: `Content-Length`,
/// `Transfer-Encoding` and `Connection` are seen to. `Connection: close` closes the connection after
/// the response. A response to `HEAD` is the one to `GET`, whose body is left out.
///
/// Both methods are called by whoever serves the connection, which waits: they must not block.
pub trait Service: Debug + Send + Sync {
    /// Decides by the head alone whether the body of a request is read, and how many bytes it may
    /// have. So nobody makes the server keep a body who might not send it.
    ///
    /// # Errors
    /// What the request is answered with instead. If it has a body, the connection is closed then.
    fn admit(&self, head: &Request<()>, caller: &Caller) -> Result<usize, Box<Response<Bytes>>>;

    /// Answers a request that was admitted. Its extensions have the [`Caller`], and its target is a
    /// path, whatever form it had (RFC 9112, 3.2).
    fn call(&self, request: &Request<Bytes>) -> Response<Bytes>;
}
