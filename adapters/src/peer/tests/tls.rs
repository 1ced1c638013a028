use std::{
    io::{Read, Write},
    sync::Arc,
};

use tungstenite::Message;

use super::{MAX_MESSAGE, REQUEST, close, frame, written};
use crate::{
    Settings,
    peer::{Peer, READ_AT_ONCE},
    wire::{Received, Refusal, ToSend},
};

/// A TLS client and the peer, which exchange bytes in memory.
struct Tunnel {
    client: rustls::ClientConnection,
    peer: Peer,
}

impl Tunnel {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a pair");
        let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
        std::fs::write(&certificate, made.cert.pem()).expect("a file");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        let tls = Some(crate::tls::Tls::load(certificate, key).expect("a pair that fits"));
        let config = Settings { tls, max_message: MAX_MESSAGE, ..Settings::default() };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a certificate");
        let provider = rustls::crypto::ring::default_provider();
        let client = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().expect("a name");
        let client = rustls::ClientConnection::new(client.into(), name).expect("a client");
        Self { client, peer: Peer::new(Arc::new(config.peer_config()), None) }
    }

    /// Sends, and returns what came back.
    fn exchange(&mut self, bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
        self.client.writer().write_all(bytes).expect("it is buffered");
        let (mut received, mut plain) = (Vec::new(), Vec::new());
        loop {
            let mut sealed = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut sealed).expect("memory");
            }
            self.peer.receive(&sealed);
            received.extend(std::iter::from_fn(|| self.peer.poll()).map(|got| format!("{got:?}")));
            let answer = written(&mut self.peer);
            if answer.is_empty() && sealed.is_empty() {
                return (received, plain);
            }
            let mut answer = &answer[..];
            while !answer.is_empty() {
                self.client.read_tls(&mut answer).expect("memory");
                self.client.process_new_packets().expect("TLS");
                // That there is no more for the time being is an error.
                drop(self.client.reader().read_to_end(&mut plain));
            }
        }
    }
}

#[test]
fn all_of_it_through_tls() {
    let mut tunnel = Tunnel::new();
    let (received, plain) = tunnel.exchange(REQUEST.as_bytes());
    assert_eq!(received, Vec::<String>::new());
    assert!(plain.starts_with(b"HTTP/1.1 101 "));
    let (received, plain) = tunnel.exchange(&frame(0x81, &[b'x'; MAX_MESSAGE]));
    assert_eq!((received.len(), plain.len()), (1, 0));
    let large = "y".repeat(40_000);
    tunnel.peer.send(ToSend::Message(Message::text(&large)));
    let (_, plain) = tunnel.exchange(b"");
    assert!(plain.ends_with(large.as_bytes()));
    tunnel.peer.send(close());
    let (_, plain) = tunnel.exchange(b"");
    assert_eq!(plain, b"\x88\x02\x03\xe9");
}

#[test]
fn garbage_instead_of_tls() {
    for garbage in [REQUEST.as_bytes(), &[0; 100], &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]] {
        let mut peer = Tunnel::new().peer;
        peer.receive(garbage);
        assert!(matches!(peer.poll(), Some(Received::Refused(Refusal::Tls(_)))));
        peer.send(close());
        assert!(peer.is_closed());
        // An alert, in the clear (RFC 8446, 6).
        assert_eq!(written(&mut peer).first(), Some(&21));
    }
}

/// The largest message of a handshake that rustls takes, in so many records that it has no room.
#[test]
fn a_handshake_for_which_there_is_no_room_is_refused() {
    let message = [&[1, 0, 0xff, 0xf0][..], &[0; 0xfff0]].concat();
    let records = message.chunks(100).flat_map(|part| {
        let size = u16::try_from(part.len()).expect("it fits").to_be_bytes();
        [&[0x16, 3, 1], &size[..], part].concat()
    });
    let mut peer = Tunnel::new().peer;
    for bytes in records.collect::<Vec<u8>>().chunks(READ_AT_ONCE) {
        peer.receive(bytes);
    }
    assert!(matches!(peer.poll(), Some(Received::Refused(Refusal::Tls(_)))));
}

#[test]
fn who_says_in_tls_that_nothing_follows_has_closed() {
    let mut tunnel = Tunnel::new();
    tunnel.exchange(REQUEST.as_bytes());
    // The beginning of a frame does not count.
    let frames = [frame(0x81, b"ann"), b"\x81\x83".to_vec()].concat();
    tunnel.client.writer().write_all(&frames).expect("it is buffered");
    tunnel.client.send_close_notify();
    let (received, _) = tunnel.exchange(b"");
    assert_eq!(received.len(), 2, "{received:?}");
    assert_eq!(received[1], "Close");
    tunnel.peer.send(ToSend::Close { frame: None, status: 400 });
    assert!(tunnel.peer.is_closed());
    tunnel.exchange(b"");
    let state = tunnel.client.process_new_packets().expect("TLS");
    assert!(state.peer_has_closed());
}

#[test]
fn who_says_in_tls_that_nothing_follows_a_request_is_answered() {
    for (request, received) in
        [(&b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"[..], "Refused("), (b"", "Close")]
    {
        let mut tunnel = Tunnel::new();
        tunnel.exchange(b"");
        tunnel.client.writer().write_all(request).expect("it is buffered");
        tunnel.client.send_close_notify();
        let (heard, plain) = tunnel.exchange(b"");
        assert!(heard.len() == 1 && heard[0].starts_with(received), "{heard:?}");
        assert_eq!(plain.starts_with(b"HTTP/1.1 426 "), !request.is_empty());
    }
}
