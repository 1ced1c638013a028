//! It makes no difference in how many pieces a request comes in; and no bytes do any harm.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// What was told and written when bytes came in pieces of these sizes.
fn play(bytes: &[u8], sizes: &[usize]) -> (Vec<String>, Vec<u8>) {
    let mut talk = Talk::new();
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    while !rest.is_empty() && !talk.peer.is_closed() {
        let size = *sizes.next().expect("it repeats").min(&rest.len());
        let (piece, after) = rest.split_at(size);
        talk.say(piece);
        rest = after;
    }
    talk.close(408);
    talk.write();
    (talk.heard, talk.written)
}

const CHUNKED: &str = "POST /c HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\
    Transfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n1\r\n \r\n0\r\nX: y\r\n\r\n";

const LENGTH: &str = "POST /l HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\
    Content-Length: 5\r\n\r\nhello";

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Parts of requests, so that they make sense now and then.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let parts: [&str; 33] = [
        CHUNKED,
        LENGTH,
        UPGRADE,
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n",
        "POST /x HTTP/1.0\r\nAuthorization: Bearer x\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n",
        "GET /size/9000 HTTP/1.1\r\nHost: a\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 500\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: keep-alive\r\n",
        "Connection: close\r\n",
        "X-Forwarded-For: 10.0.0.1\r\n",
        "hello",
        "0\r\n",
        "5\r\n",
        "5;x=\"y\"\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        " ",
        ":",
        "\x00",
    ];
    prop_oneof![
        20 => select(parts.to_vec()).prop_map(|part| part.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..20),
        1 => (0..10_000usize).prop_map(|size| vec![b'x'; size]),
    ]
}

proptest! {
    #[test]
    fn any_pieces(parts in vec(part(), 0..30), sizes in vec(1..300usize, 1..10)) {
        let bytes = parts.concat();
        let whole = play(&bytes, &[crate::peer::READ_AT_ONCE]);
        prop_assert_eq!(&play(&bytes, &sizes), &whole);
        prop_assert_eq!(&play(&bytes, &[1]), &whole);
    }

    /// The client does not read, and the adapter reads as long as the peer is not held.
    #[test]
    fn buffers_are_bounded(parts in vec(part(), 0..200), size in 1..20_000usize) {
        let bytes = parts.concat();
        let mut talk = Talk::new();
        let bound = talk.config.buffer_bound();
        for piece in bytes.chunks(size.min(crate::peer::READ_AT_ONCE)) {
            talk.peer.receive(piece);
            talk.take();
            let buffered = talk.peer.buffered();
            prop_assert!(buffered <= bound, "{} bytes", buffered);
            if talk.peer.is_held() || talk.peer.is_closed() {
                break;
            }
        }
    }
}
