//! What the fuzz target `peer` does with its bytes.

use std::{net::IpAddr, sync::Arc};

use switchboard::{
    Settings,
    peer::{Peer, PeerConfig, READ_AT_ONCE},
    wire::{Received, ToSend},
};
use tungstenite::{Message, protocol::CloseFrame};

const MAX_MESSAGE: usize = 1 << 10;

/// What comes from a socket, whole and in pieces: the peer says the same of both, and keeps within
/// its bounds. The first byte says what there is before the handshake, the second how large the
/// pieces are.
pub fn peer(data: &[u8]) {
    let [flags, size, bytes @ ..] = data else { return };
    let proxy = IpAddr::from([127, 0, 0, 1]);
    let settings = Settings {
        max_message: MAX_MESSAGE,
        proxy_protocol: flags & 1 != 0,
        trusted_proxies: ["127.0.0.0/8"].iter().map(|cidr| cidr.parse().expect("one")).collect(),
        origins: ["https://*.example.com"].iter().map(|o| o.parse().expect("one")).collect(),
        ..Settings::default()
    };
    let config = Arc::new(settings.peer_config());
    let bytes = if flags & 2 != 0 { [HANDSHAKE, bytes].concat() } else { bytes.to_vec() };
    let whole = play(&config, proxy, &bytes, READ_AT_ONCE);
    let pieces = play(&config, proxy, &bytes, 1 + usize::from(*size));
    assert_eq!(whole, pieces);
}

/// A request, so that what comes after it need not be found by chance.
const HANDSHAKE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What was heard, and what would have been written.
fn play(
    config: &Arc<PeerConfig>,
    address: IpAddr,
    bytes: &[u8],
    size: usize,
) -> (Vec<String>, Vec<u8>) {
    let mut peer = Peer::new(Arc::clone(config), Some(address));
    let (mut heard, mut written) = (Vec::new(), Vec::new());
    'pieces: for piece in bytes.chunks(size.min(READ_AT_ONCE)) {
        peer.receive(piece);
        while let Some(received) = peer.poll() {
            heard.push(format!("{received:?}"));
            match &received {
                Received::Text(text) => {
                    peer.send(ToSend::Message(Message::text(text.as_str())));
                }
                Received::Close => peer.send(ToSend::Close { frame: None, status: 400 }),
                Received::Fault(_) | Received::Refused(_) => {
                    let frame = CloseFrame { code: 1002.into(), reason: "".into() };
                    peer.send(ToSend::Close { frame: Some(frame), status: 400 });
                }
                _ => {}
            }
            write(&mut peer, &mut written);
            if !received.goes_on() {
                break 'pieces;
            }
        }
        write(&mut peer, &mut written);
    }
    (heard, written)
}

fn write(peer: &mut Peer, written: &mut Vec<u8>) {
    assert!(peer.outgoing().len() <= 4 * MAX_MESSAGE + READ_AT_ONCE);
    while !peer.outgoing().is_empty() {
        written.extend_from_slice(peer.outgoing());
        let size = peer.outgoing().len();
        peer.wrote(size);
    }
}
