//! A response, as bytes (RFC 9112, 4 and 9).

use std::{collections::VecDeque, io::Write};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
};

use super::lists;

/// What the server's part is, whatever a service says.
const OURS: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// What of a request counts for its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    version: Version,
    /// Whether only the head of the response is wanted (RFC 9110, 9.3.2).
    is_head: bool,
    /// Whether there may be further requests (RFC 9112, 9.3).
    goes_on: bool,
}

impl Asked {
    pub(crate) fn by(request: &Request<()>) -> Self {
        let says = |what: &str| lists(request.headers(), CONNECTION, what);
        let version = request.version();
        let goes_on = !says("close") && (version == Version::HTTP_11 || says("keep-alive"));
        Self { version, is_head: request.method() == Method::HEAD, goes_on }
    }

    /// The same, but with no further requests if this holds.
    pub(crate) fn for_the_last_time_if(self, is_last: bool) -> Self {
        Self { goes_on: self.goes_on && !is_last, ..self }
    }

    /// Answers. Returns whether there may be further requests.
    ///
    /// No header can break out of its line: the types of `http` have no room for a line break.
    pub(crate) fn answer(self, response: &Response<Bytes>, outgoing: &mut VecDeque<u8>) -> bool {
        let (status, body) = (response.status(), response.body());
        outgoing.reserve(size(response));
        // Writing to memory does not fail.
        let mut line = |args: std::fmt::Arguments<'_>| drop(outgoing.write_fmt(args));
        let reason = status.canonical_reason().unwrap_or_default();
        line(format_args!("HTTP/1.1 {} {reason}\r\n", status.as_u16()));
        let goes_on = self.goes_on && !lists(response.headers(), CONNECTION, "close");
        if !goes_on {
            line(format_args!("connection: close\r\n"));
        } else if self.version == Version::HTTP_10 {
            line(format_args!("connection: keep-alive\r\n"));
        }
        // RFC 9110, 8.6 and 15.4.5
        let has_body = ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        if has_body {
            line(format_args!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers(response) {
            outgoing.extend(name.as_str().as_bytes());
            outgoing.extend(b": ");
            outgoing.extend(value.as_bytes());
            outgoing.extend(b"\r\n");
        }
        outgoing.extend(b"\r\n");
        if has_body && !self.is_head {
            outgoing.extend(&body[..]);
        }
        goes_on
    }
}

fn headers(response: &Response<Bytes>) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    response.headers().iter().filter(|(name, _)| !OURS.contains(name))
}

/// Bytes that a response takes, or a bit less.
pub(crate) fn size(response: &Response<Bytes>) -> usize {
    const STATUS_AND_OURS: usize = 128;
    let lines = headers(response).map(|(name, value)| name.as_str().len() + value.len() + 4);
    STATUS_AND_OURS + lines.sum::<usize>() + response.body().len()
}

/// A response that says no more than its status does.
pub(crate) fn plain(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// The response to a request over a connection that the hub has let go of.
pub(crate) fn unavailable() -> Response<Bytes> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
