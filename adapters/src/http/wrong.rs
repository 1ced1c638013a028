//! What is wrong with a request.

use std::{collections::VecDeque, io::Write};

use http::StatusCode;

/// What a request is answered with that is not as it should be, before the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) status: StatusCode,
    /// For whoever has to find the mistake.
    pub(crate) why: &'static str,
}

impl Wrong {
    pub(crate) const fn new(status: StatusCode, why: &'static str) -> Self {
        Self { status, why }
    }

    pub(crate) const fn bad(why: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }

    /// Answers in a line that says what this is, and announces the end.
    pub(crate) fn write(self, outgoing: &mut VecDeque<u8>) {
        let Self { status, why } = self;
        let hint = match status {
            // RFC 9110, 15.5.22 and 15.5.6: what would have been accepted.
            StatusCode::UPGRADE_REQUIRED => {
                "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
            }
            StatusCode::METHOD_NOT_ALLOWED => "Allow: GET\r\nConnection: close\r\n",
            StatusCode::SERVICE_UNAVAILABLE => "Retry-After: 10\r\nConnection: close\r\n",
            _ => "Connection: close\r\n",
        };
        let (code, reason) = (status.as_u16(), status.canonical_reason().unwrap_or_default());
        let body = format!("{code} {reason}: {why}\n");
        // Writing to memory does not fail.
        drop(write!(
            outgoing,
            "HTTP/1.1 {code} {reason}\r\n{hint}Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        ));
    }
}
