//! The head of an HTTP request, and what it is answered with (RFC 9112; RFC 6455, 4.2).

use std::{collections::VecDeque, io::Write};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version,
    header::{AUTHORIZATION, ORIGIN},
};
use httparse::Status;
use tungstenite::{
    Error,
    error::ProtocolError,
    handshake::server::{create_response, write_response},
};

/// Bytes that a head can have.
const MAX_HEAD: usize = 8 << 10;

/// Headers that a head can have.
const MAX_HEADERS: usize = 64;

/// The head of a request.
pub(super) struct Head {
    pub(super) request: Request<()>,
    /// Its size in bytes.
    pub(super) size: usize,
}

/// The head at the start of `bytes`, if it has come in whole.
///
/// # Errors
/// What to answer if it is none.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Head>, StatusCode> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(bytes) {
        Ok(Status::Complete(size)) if size <= MAX_HEAD => {
            let request = request(&parsed).ok_or(StatusCode::BAD_REQUEST)?;
            Ok(Some(Head { request, size }))
        }
        Ok(Status::Partial) if bytes.len() < MAX_HEAD => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => {
            Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        }
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

fn request(parsed: &httparse::Request<'_, '_>) -> Option<Request<()>> {
    let version = if parsed.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 };
    let builder = Request::builder().method(parsed.method?).uri(parsed.path?).version(version);
    let mut request = builder.body(()).ok()?;
    let headers: &mut HeaderMap = request.headers_mut();
    for header in parsed.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some(request)
}

/// The web page that the request comes from (RFC 6454), if any says so. What is no text is no
/// origin that could be allowed.
pub(super) fn origin(request: &Request<()>) -> Option<&str> {
    request.headers().get(ORIGIN).map(|origin| origin.to_str().unwrap_or("?"))
}

/// The credential that came with the request: a bearer token (RFC 6750, 2.1), or the query's
/// `token`, for browsers, whose scripts cannot set headers.
pub(super) fn credential(request: &Request<()>) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let query = || {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == "token")
    };
    bearer.or_else(query).map(|(_, token)| token.trim().to_owned())
}

/// Answers a request to become a WebSocket.
///
/// # Errors
/// What to answer instead.
pub(super) fn accept(request: &Request<()>, outgoing: &mut VecDeque<u8>) -> Result<(), StatusCode> {
    if request.method() != Method::GET {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let response = create_response(request).map_err(|error| match error {
        Error::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::MissingUpgradeWebSocketHeader
            | ProtocolError::MissingSecWebSocketVersionHeader,
        ) => StatusCode::UPGRADE_REQUIRED,
        Error::Protocol(ProtocolError::WrongHttpVersion) => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        _ => StatusCode::BAD_REQUEST,
    })?;
    write_response(outgoing, &response).map_err(|_| StatusCode::BAD_REQUEST)
}

/// Answers with an error, in a line that says what this is, and announces the end.
pub(super) fn refuse(status: StatusCode, outgoing: &mut VecDeque<u8>) {
    let hint = match status {
        // RFC 9110, 15.5.22 and 15.5.6: what would have been accepted.
        StatusCode::UPGRADE_REQUIRED => {
            "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
        }
        StatusCode::METHOD_NOT_ALLOWED => "Allow: GET\r\nConnection: close\r\n",
        StatusCode::SERVICE_UNAVAILABLE => "Retry-After: 10\r\nConnection: close\r\n",
        _ => "Connection: close\r\n",
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let body = format!("{} {reason}: this is a WebSocket server\n", status.as_u16());
    // Writing to memory does not fail.
    drop(write!(
        outgoing,
        "HTTP/1.1 {} {reason}\r\n{hint}Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        status.as_u16(),
        body.len(),
    ));
}
