//! What the fuzz target `peer` does with its bytes.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response};
use switchboard::{
    Settings,
    http::{Caller, HttpConfig, Service},
    peer::{Peer, PeerConfig, READ_AT_ONCE},
    wire::{Received, ToSend},
};
use tungstenite::{Message, protocol::CloseFrame};

const MAX_MESSAGE: usize = 1 << 10;

/// What comes from a socket, whole and in pieces: the peer says the same of both, and keeps within
/// its bounds. The first byte says what there is before the handshake and whether there is an HTTP
/// service, the second how large the pieces are.
pub fn peer(data: &[u8]) {
    let [flags, size, bytes @ ..] = data else { return };
    let proxy = IpAddr::from([127, 0, 0, 1]);
    let settings = Settings {
        max_message: MAX_MESSAGE,
        proxy_protocol: flags & 1 != 0,
        trusted_proxies: ["127.0.0.0/8"].iter().map(|cidr| cidr.parse().expect("one")).collect(),
        origins: ["https://*.example.com"].iter().map(|o| o.parse().expect("one")).collect(),
        http: (flags & 4 != 0).then(|| HttpConfig {
            max_body: MAX_MESSAGE,
            max_response: 4 * MAX_MESSAGE,
            ..HttpConfig::new(Arc::new(Echo))
        }),
        ..Settings::default()
    };
    let config = Arc::new(settings.peer_config());
    let bytes = if flags & 2 != 0 { [HANDSHAKE, bytes].concat() } else { bytes.to_vec() };
    let whole = play(&config, proxy, &bytes, READ_AT_ONCE);
    let pieces = play(&config, proxy, &bytes, 1 + usize::from(*size));
    assert_eq!(whole, pieces);
}

/// Answers with the body, and with much more to `GET`. Does not like `PUT`.
#[derive(Debug)]
struct Echo;

impl Service for Echo {
    fn admit(&self, head: &Request<()>, caller: &Caller) -> Result<usize, Box<Response<Bytes>>> {
        match head.method() == Method::PUT {
            true => Err(Box::new(Response::new(format!("{caller:?}").into()))),
            false => Ok(MAX_MESSAGE / 2),
        }
    }

    fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        Response::new(match request.method() == Method::GET {
            true => vec![b'x'; 2 * MAX_MESSAGE].into(),
            false => request.body().clone(),
        })
    }
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
        loop {
            let Some(received) = peer.poll() else {
                let is_held = peer.is_held();
                write(&mut peer, config, &mut written);
                if is_held {
                    continue;
                }
                break;
            };
            heard.push(format!("{received:?}"));
            match &received {
                Received::Text(text) => {
                    peer.send(ToSend::Message(Message::text(text.as_str())));
                }
                Received::Call(request) => peer.answer(Echo.call(request)),
                Received::Close => peer.send(ToSend::Close { frame: None, status: 400 }),
                Received::Fault(_) | Received::Refused(_) => {
                    let frame = CloseFrame { code: 1002.into(), reason: "".into() };
                    peer.send(ToSend::Close { frame: Some(frame), status: 400 });
                }
                _ => {}
            }
            write(&mut peer, config, &mut written);
            if !received.goes_on() {
                break 'pieces;
            }
        }
    }
    peer.send(ToSend::Close { frame: None, status: 408 });
    write(&mut peer, config, &mut written);
    (heard, written)
}

fn write(peer: &mut Peer, config: &PeerConfig, written: &mut Vec<u8>) {
    assert!(peer.outgoing().len() <= config.buffer_bound());
    while !peer.outgoing().is_empty() {
        written.extend_from_slice(peer.outgoing());
        let size = peer.outgoing().len();
        peer.wrote(size);
    }
}
