//! Bodies: where they end, how large they may be, and who may send them.

use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::http::body::{Body, Framing};

/// A request of somebody who may send a body.
fn post(rest: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n{rest}")
}

fn chunked(body: &str) -> String {
    post(&format!("Transfer-Encoding: chunked\r\n\r\n{body}"))
}

#[test]
fn bodies() {
    let full = "x".repeat(MAX_BODY);
    for (request, body) in [
        (post("\r\n"), ""),
        (post("Content-Length: 0\r\n\r\n"), ""),
        (post("Content-Length: 5\r\n\r\nhello"), "hello"),
        (post("content-length: 005\r\n\r\nhello"), "hello"),
        (post(&format!("Content-Length: {MAX_BODY}\r\n\r\n{full}")), &full),
        (chunked("0\r\n\r\n"), ""),
        (chunked("5\r\nhello\r\n0\r\n\r\n"), "hello"),
        (chunked("1\r\nh\r\n3\r\nell\r\n1\r\no\r\n0\r\n\r\n"), "hello"),
        (chunked("00005;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n"), "hello"),
        (chunked("5 ;a\r\nhello\r\n0\r\nX: y\r\nZ: \r\n\r\n"), "hello"),
        (chunked("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n"),
        (chunked(&format!("{MAX_BODY:X}\r\n{full}\r\n000\r\n\r\n")), &full),
        (post("Transfer-Encoding: Chunked ,\r\n\r\n1\r\nx\r\n0\r\n\r\n"), "x"),
    ] {
        assert_eq!(ask(&request), (200, format!("POST / {body}"), true), "{request}");
    }
}

#[test]
fn bodies_that_are_wrong() {
    let long_line = format!("1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(300));
    let endless_line = format!("1;{}", "x".repeat(300));
    let trailers = format!("0\r\nX: {}\r\n\r\n", "x".repeat(9000));
    let many_trailers = format!("0\r\n{}\r\n", "X: x\r\n".repeat(100));
    let too_much = format!("5\r\nhello\r\n{MAX_BODY:x}\r\n");
    for (request, expected) in [
        (post("Content-Length: -1\r\n\r\n"), 400),
        (post("Content-Length: +1\r\n\r\nx"), 400),
        (post("Content-Length: 0x1\r\n\r\nx"), 400),
        (post("Content-Length: 1 1\r\n\r\nx"), 400),
        (post("Content-Length:\r\n\r\nx"), 400),
        (post("Content-Length: 1, 1\r\n\r\nx"), 400),
        (post("Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400),
        (post("Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), 400),
        (post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"), 400),
        (post("Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), 400),
        (post("Transfer-Encoding:\r\n\r\n0\r\n\r\n"), 400),
        (post("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501),
        (post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), 501),
        (post("Transfer-Encoding: \u{b}chunked\r\n\r\n"), 400),
        (post("Transfer-Encoding: \"chunked\"\r\n\r\n"), 501),
        (chunked("0\r\n\r\n").replace("1.1", "1.0"), 400),
        (post("Content-Length: 101\r\n\r\n"), 413),
        (post("Content-Length: 99999999999999999999999999\r\n\r\n"), 413),
        (chunked("65\r\n"), 413),
        (chunked("ffffffffffffffff\r\n"), 413),
        (chunked(&too_much), 413),
        (chunked("10000000000000000\r\n"), 400),
        (chunked("\r\n"), 400),
        (chunked("x\r\n"), 400),
        (chunked("-1\r\n"), 400),
        (chunked("0x1\r\n"), 400),
        (chunked(" 1\r\nx\r\n"), 400),
        (chunked("1\nx\n0\n\n"), 400),
        (chunked("1;a\nb\r\nx\r\n0\r\n\r\n"), 400),
        (chunked("1\rx"), 400),
        (chunked("1\r\nxy\r\n0\r\n\r\n"), 400),
        (chunked("1\r\nx\n0\r\n\r\n"), 400),
        (chunked("1\r\nx\rx"), 400),
        (chunked(&long_line), 400),
        (chunked(&endless_line), 400),
        (chunked("0\r\nX: y\n\r\n"), 400),
        (chunked("0\r\n X\r\n\r\n"), 400),
        (chunked(&trailers), 400),
        (chunked(&many_trailers), 400),
    ] {
        let (status, _, goes_on) = ask(&request);
        assert_eq!((status, goes_on), (expected, false), "{request}");
    }
}

/// It grows as what it is made of comes in, in steps that get larger, and not beyond its limit.
#[test]
fn what_a_body_takes() {
    const SIZE: usize = 1000;
    let length = (Framing::Length(SIZE as u64), "x".repeat(SIZE));
    let chunked = (Framing::Chunked, "1\r\nx\r\n".repeat(SIZE) + "0\r\n\r\n");
    for (framing, bytes) in [length, chunked] {
        let (mut body, mut taken) = (Body::new(framing, SIZE).expect("room"), BTreeSet::new());
        let (mut incoming, mut whole) = (VecDeque::new(), None);
        for byte in bytes.bytes() {
            assert_eq!(whole, None);
            incoming.push_back(byte);
            whole = body.read(&mut incoming).expect("a body");
            taken.insert(body.buffered());
        }
        assert_eq!(whole.expect("all of it").len(), SIZE);
        assert!(taken.len() < 20 && taken.last() == Some(&SIZE), "{taken:?}");
    }
}

/// Nothing of the body is kept, or even waited for.
#[test]
fn who_may_not_send_a_body_is_told_by_the_head() {
    let post =
        |length: usize| format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n");
    let refused = |goes_on: bool| (401, "who are you?".to_owned(), goes_on);
    assert_eq!(ask(&format!("{}\r\n", post(5))), refused(false));
    assert_eq!(ask(&format!("{}\r\nhello", post(5))), refused(false));
    assert_eq!(ask(&format!("{}Expect: 100-continue\r\n\r\n", post(5))), refused(false));
    assert_eq!(ask(&format!("{}\r\n", post(0))), refused(true));

    let mut talk = Talk::new();
    talk.say(format!("{}\r\n", post(1 << 20))).say([b'x'; 16 << 10]).say([b'x'; 16 << 10]);
    assert_eq!(talk.heard, ["Close"]);
    assert!(talk.answer().starts_with("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n"));
}

#[test]
fn the_service_says_how_large_a_body_may_be() {
    let http = HttpConfig { max_body: 10, ..HttpConfig::new(Arc::new(Echo)) };
    let mut talk = Talk::with(Settings { http: Some(http), ..Settings::default() });
    talk.say(post("Content-Length: 11\r\n\r\n"));
    assert!(talk.answer().starts_with("HTTP/1.1 413 "));
}

#[test]
fn who_asks_whether_to_send_a_body_is_told() {
    const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";
    let expecting = |rest: &str| post(&format!("Expect: 100-Continue\r\n{rest}"));
    let mut talk = Talk::new();
    talk.say(expecting("Content-Length: 2\r\n\r\n"));
    assert_eq!(talk.answer(), GO_ON);
    talk.say("hi");
    assert_eq!(parts(&talk.answer()), (200, "POST / hi", true));
    talk.say(expecting("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    assert!(talk.answer().starts_with(&format!("{GO_ON}HTTP/1.1 200 ")));
    // There is nothing to wait for.
    talk.say(expecting("\r\n"));
    assert_eq!(parts(&talk.answer()), (200, "POST / ", true));
    talk.say(expecting("Content-Length: 101\r\n\r\n"));
    assert_eq!(parts(&talk.answer()).0, 413);
    // RFC 9110, 10.1.1
    let old = expecting("Content-Length: 2\r\n\r\nhi").replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(ask(&old).1, "POST / hi");
}
