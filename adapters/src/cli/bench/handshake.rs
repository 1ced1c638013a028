//! The client's half of the handshake (RFC 6455, 4.1), on buffers.

use tungstenite::handshake::derive_accept_key;

use super::target::Target;

/// A server that says more than this before it is a WebSocket is none.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 64;

/// What all of the clients send. They may all have the same key: it keeps caches from answering.
pub(super) fn request(target: &Target, key: &str) -> Vec<u8> {
    let (path, host) = (&target.path, target.authority());
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    .into_bytes()
}

/// Reads the response to it. Returns the size of its head, once that is whole.
///
/// # Errors
/// Why this is no WebSocket.
pub(super) fn response(bytes: &[u8], key: &str) -> Result<Option<usize>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let status = response.parse(bytes).map_err(|_| "did not answer in HTTP".to_owned())?;
    let httparse::Status::Complete(size) = status else {
        let is_long = bytes.len() > MAX_HEAD;
        return if is_long { Err("did not come to an end in HTTP".into()) } else { Ok(None) };
    };
    if response.code != Some(101) {
        let (code, reason) = (response.code.unwrap_or_default(), response.reason.unwrap_or(""));
        return Err(format!("did not agree to a WebSocket, but answered {code} {reason}"));
    }
    let accept = derive_accept_key(key.as_bytes());
    let accepts = |header: &&mut httparse::Header<'_>| {
        header.name.eq_ignore_ascii_case("Sec-WebSocket-Accept")
            && header.value.trim_ascii() == accept.as_bytes()
    };
    match response.headers.iter_mut().find(accepts) {
        Some(_) => Ok(Some(size)),
        None => Err("did not agree to a WebSocket".into()),
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::handshake::server::create_response;

    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn a_server_understands_the_request() {
        let target = Target::parse("ws://h:81/path?query").expect("a URL");
        let text = String::from_utf8(request(&target, KEY)).expect("text");
        assert!(text.starts_with("GET /path?query HTTP/1.1\r\nHost: h:81\r\n"), "{text}");
        let mut request = http::Request::get("/");
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").expect("a header");
            request = request.header(name, value);
        }
        create_response(&request.body(()).expect("a request")).expect("an agreement");
    }

    #[test]
    fn answers() {
        // The example of RFC 6455, 1.3.
        let agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
            sec-websocket-accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        let more = [&agreed[..], b"\x81\x00"].concat();
        assert_eq!(response(&more, KEY), Ok(Some(agreed.len())));
        assert_eq!(response(&agreed[..agreed.len() - 1], KEY), Ok(None));
        let refused = |bytes: &[u8], key| response(bytes, key).expect_err("it is refused");
        assert_eq!(refused(agreed, "other"), "did not agree to a WebSocket");
        let busy = b"HTTP/1.1 503 Service Unavailable\r\n\r\n";
        assert!(refused(busy, KEY).ends_with("answered 503 Service Unavailable"));
        assert_eq!(refused(b"SSH-2.0\r\n", KEY), "did not answer in HTTP");
        assert!(refused(&[b"HTTP/1.1 101 ", &[b'a'; MAX_HEAD][..]].concat(), KEY).contains("end"));
    }
}
