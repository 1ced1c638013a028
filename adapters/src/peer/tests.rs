#[cfg(feature = "tls")]
mod tls;

use std::sync::Arc;

use switchboard_core::Fault;
use tungstenite::{Message, protocol::CloseFrame};

use super::Peer;
use crate::{
    Settings,
    wire::{Received, Refusal, ToSend},
};

const MAX_MESSAGE: usize = 1000;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\
     Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn peer() -> Peer {
    let config = Settings { max_message: MAX_MESSAGE, ..Settings::default() }.peer_config();
    Peer::new(Arc::new(config), None)
}

/// One that has shaken hands.
fn open() -> Peer {
    let mut peer = peer();
    peer.receive(REQUEST.as_bytes());
    assert!(peer.poll().is_none());
    written(&mut peer);
    peer
}

fn written(peer: &mut Peer) -> Vec<u8> {
    let mut written = Vec::new();
    while !peer.outgoing().is_empty() {
        // As a socket would that is almost full.
        let some = &peer.outgoing()[..peer.outgoing().len().min(7)];
        written.extend_from_slice(some);
        let size = some.len();
        peer.wrote(size);
    }
    written
}

fn response(request: &str) -> (String, Option<Received>) {
    let mut peer = peer();
    peer.receive(request.as_bytes());
    let received = peer.poll();
    (String::from_utf8(written(&mut peer)).expect("a response is text"), received)
}

/// A frame from a client, masked with zeros.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match payload.len() {
        size @ 0..126 => frame.push(0x80 | u8::try_from(size).expect("it fits")),
        size => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(size).expect("it fits").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

fn close() -> ToSend {
    let frame = CloseFrame { code: 1001.into(), reason: "".into() };
    ToSend::Close { frame: Some(frame), status: 503 }
}

#[test]
fn the_handshake_of_the_rfc() {
    let (response, received) = response(REQUEST);
    assert!(received.is_none());
    assert!(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{response}");
    // RFC 6455, 1.3
    let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    assert!(response.contains(accept), "{response}");
}

#[test]
fn what_is_no_handshake_is_answered() {
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000));
    let begun = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(9000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(100));
    let with = |from: &str, to: &str| REQUEST.replace(from, to);
    let table = [
        (with("GET", "POST"), 405),
        (with("Upgrade: websocket", "X: x"), 426),
        (with("Upgrade: websocket", "Upgrade: h2c"), 426),
        (with("keep-alive, Upgrade", "keep-alive"), 426),
        (with("Version: 13", "Version: 8"), 426),
        (with("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400),
        (with("HTTP/1.1", "HTTP/1.0"), 505),
        (with("HTTP/1.1", "HTTP/3"), 400),
        (with("GET / ", "GET "), 400),
        ("\u{16}\u{3}\u{1}\u{2}garbage\r\n\r\n".into(), 400),
        (long, 431),
        (begun, 431),
        (many, 431),
    ];
    for (request, status) in table {
        let (response, received) = response(&request);
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{response}");
        assert!(response.contains("Connection: "), "{response}");
        assert!(
            matches!(received, Some(Received::Refused(Refusal::Http(code))) if code.as_u16() == status)
        );
    }
}

#[test]
fn bytes_one_by_one_are_as_good_as_all_at_once() {
    let mut bytes = REQUEST.as_bytes().to_vec();
    bytes.extend(frame(0x81, b"alice"));
    bytes.extend(frame(0x01, b"bob:"));
    bytes.extend(frame(0x89, b"?"));
    bytes.extend(frame(0x80, b"hi"));
    bytes.extend(frame(0x88, b""));
    let heard = |sizes: usize| {
        let mut peer = peer();
        let mut heard = Vec::new();
        for bytes in bytes.chunks(sizes) {
            peer.receive(bytes);
            while let Some(received) = peer.poll() {
                let goes_on = received.goes_on();
                heard.push(format!("{received:?}"));
                if !goes_on {
                    break;
                }
            }
        }
        (heard, written(&mut peer))
    };
    let whole = heard(bytes.len());
    assert_eq!(whole.0.len(), 4, "{:?}", whole.0);
    for sizes in 1..40 {
        assert_eq!(heard(sizes), whole);
    }
}

#[test]
fn who_is_closed_before_the_handshake_gets_a_response() {
    let mut peer = peer();
    peer.receive(b"GET / HTTP/1.1\r\n");
    assert!(peer.poll().is_none());
    peer.send(close());
    assert!(peer.is_closed());
    assert!(written(&mut peer).starts_with(b"HTTP/1.1 503 "));
}

#[test]
fn the_close_frame_is_the_last() {
    let mut peer = open();
    peer.send(ToSend::Message(Message::text("hi")));
    peer.send(close());
    peer.send(ToSend::Message(Message::text("late")));
    assert_eq!(written(&mut peer), b"\x81\x02hi\x88\x02\x03\xe9");
}

/// RFC 6455, 5.5.1.
#[test]
fn a_close_frame_is_answered_even_if_pongs_wait_and_nothing_else_is_sent() {
    let mut peer = open();
    for _ in 0..1000 {
        peer.receive(&frame(0x89, &[b'?'; 125]));
        assert!(matches!(peer.poll(), Some(Received::Control { size: 125 })));
    }
    assert!(peer.outgoing().len() < 4096, "pongs pile up");
    peer.receive(&frame(0x88, &4000u16.to_be_bytes()));
    assert!(matches!(peer.poll(), Some(Received::Close)));
    peer.send(ToSend::Message(Message::text("late")));
    peer.send(close());
    let written = written(&mut peer);
    assert!(written.ends_with(b"\x88\x02\x0f\xa0"), "{written:?}");
    assert!(!written.windows(4).any(|bytes| bytes == b"late"));
}

#[test]
fn faults() {
    let table: [(Vec<u8>, Fault); 6] = [
        (frame(0x82, b"binary"), Fault::Binary),
        (frame(0x81, b"\xff"), Fault::NotUtf8),
        (frame(0x81, &[b'x'; MAX_MESSAGE + 1]), Fault::TooLarge),
        (frame(0xc1, b"compressed"), Fault::Protocol),
        (b"\x81\x02hi".into(), Fault::Protocol),
        (frame(0x80, b"goes on with nothing"), Fault::Protocol),
    ];
    for (bytes, fault) in table {
        let mut peer = open();
        peer.receive(&bytes);
        let received = peer.poll();
        assert!(matches!(received, Some(Received::Fault(f)) if f == fault), "{received:?}");
    }
}

#[test]
fn an_idle_connection_has_no_buffers() {
    let mut peer = open();
    peer.receive(&frame(0x81, &[b'x'; MAX_MESSAGE]));
    assert!(matches!(peer.poll(), Some(Received::Text(_))));
    peer.send(ToSend::Message(Message::text("x".repeat(MAX_MESSAGE))));
    written(&mut peer);
    assert_eq!((peer.incoming.capacity(), peer.outgoing.capacity()), (0, 0));
}

#[test]
fn a_header_of_the_proxy_protocol_tells_the_address() {
    let config = Settings { proxy_protocol: true, ..Settings::default() }.peer_config();
    let config = Arc::new(config);
    let proxy = Some([127, 0, 0, 1].into());
    assert_eq!(config.known_address(proxy), None);
    let bytes = format!("PROXY TCP4 192.0.2.7 192.0.2.8 1000 1234\r\n{REQUEST}");
    for sizes in [1, 7, bytes.len()] {
        let mut peer = Peer::new(Arc::clone(&config), proxy);
        for bytes in bytes.as_bytes().chunks(sizes) {
            peer.receive(bytes);
        }
        let received = peer.poll();
        assert!(matches!(received, Some(Received::Address(a)) if a.to_string() == "192.0.2.7"));
        assert!(peer.poll().is_none());
        assert!(written(&mut peer).starts_with(b"HTTP/1.1 101 "));
    }
    let mut peer = Peer::new(config, proxy);
    peer.receive(REQUEST.as_bytes());
    assert!(matches!(peer.poll(), Some(Received::Refused(Refusal::Proxy(_)))));
    peer.send(close());
    assert!(peer.is_closed() && peer.outgoing().is_empty());
}

/// What is made of a request to become a WebSocket.
fn upgrade(settings: Settings, request: &str) -> (String, Option<Received>) {
    let mut peer = Peer::new(Arc::new(settings.peer_config()), None);
    peer.receive(request.as_bytes());
    let received = peer.poll();
    (String::from_utf8(written(&mut peer)).expect("a response is text"), received)
}

#[test]
fn who_names_two_origins_is_turned_away() {
    let origins: crate::origin::Origins =
        ["https://example.com".parse().expect("an origin")].into_iter().collect();
    let settings = Settings { origins, ..Settings::default() };
    for (lines, status) in [
        ("Origin: https://example.com\r\n", 101),
        ("Origin: https://example.com\r\nOrigin: https://evil.example\r\n", 403),
        ("Origin: https://evil.example\r\nOrigin: https://example.com\r\n", 403),
        ("Origin: https://example.com\r\norigin: https://example.com\r\n", 403),
    ] {
        let request = REQUEST.replace("Host: here\r\n", &format!("Host: here\r\n{lines}"));
        let (response, _) = upgrade(settings.clone(), &request);
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{lines}\n{response}");
    }
}

#[test]
fn the_credential_in_a_query_is_what_its_escapes_mean() {
    for (query, expected) in [
        ("token=a.b-c_d", Some("a.b-c_d")),
        ("a=b&token=c%2B%2f%3D&token=x", Some("c+/=")),
        // What is no escape is what it is.
        ("token=a+b/c==", Some("a+b/c==")),
        ("token=100%", Some("100%")),
        ("tokens=a", None),
        ("", None),
    ] {
        let request = REQUEST.replace("GET / ", &format!("GET /?{query} "));
        let (_, received) = upgrade(Settings::default(), &request);
        let credential = match &received {
            None => None,
            Some(Received::Credential(credential)) => Some(credential.as_str()),
            Some(other) => panic!("{other:?}"),
        };
        assert_eq!(credential, expected, "{query}");
    }
}
