//! The request to become a WebSocket, and its response (RFC 6455, 4.2).

use std::collections::VecDeque;

use http::{
    HeaderName, Method, Request, StatusCode,
    header::{ORIGIN, SEC_WEBSOCKET_KEY, UPGRADE},
};
use percent_encoding::percent_decode_str;
use tungstenite::{
    Error,
    error::ProtocolError,
    handshake::server::{create_response, write_response},
};

use crate::http::{bearer, lists};

/// Whether a request is meant to be one. A proxy that was not told of WebSockets leaves `Upgrade`
/// out, and whoever set it up should get to know.
pub(super) fn is_wanted(request: &Request<()>) -> bool {
    const KEY: HeaderName = SEC_WEBSOCKET_KEY;
    let headers = request.headers();
    request.method() == Method::GET
        && (lists(headers, UPGRADE, "websocket") || headers.contains_key(KEY))
}

/// The web page that the request comes from (RFC 6454), if any says so. What is no text, or more
/// than one, is no origin that could be allowed.
pub(super) fn origin(request: &Request<()>) -> Option<&str> {
    let mut origins = request.headers().get_all(ORIGIN).into_iter();
    let origin = origins.next()?.to_str().unwrap_or("?");
    Some(if origins.next().is_none() { origin } else { "?" })
}

/// The credential that came with the request: a bearer token (RFC 6750, 2.1), or the query's
/// `token`, for browsers, whose scripts cannot set headers.
pub(super) fn credential(request: &Request<()>) -> Option<String> {
    let query = || {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
        let (_, token) = pairs.find(|(name, _)| *name == "token")?;
        // A plus sign stays one: tokens have no spaces, and some have base64.
        Some(percent_decode_str(token).decode_utf8_lossy().into_owned())
    };
    bearer(request.headers()).map(str::to_owned).or_else(query)
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
