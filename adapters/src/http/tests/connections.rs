//! What becomes of a connection from one request to the next, and in the end.

use super::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn get(path: &str, rest: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n{rest}\r\n")
}

#[test]
fn one_response_in_full() {
    let mut talk = Talk::new();
    talk.say(GET);
    assert_eq!(talk.answer(), "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nGET / ");
}

#[test]
fn which_connections_go_on() {
    let old = |rest: &str| get("/", rest).replace("HTTP/1.1", "HTTP/1.0");
    for (request, goes_on) in [
        (get("/", ""), true),
        (get("/", "Connection: keep-alive\r\n"), true),
        (get("/", "Connection: x, CLOSE\r\n"), false),
        (get("/", "Connection: x\r\nConnection: close\r\n"), false),
        (get("/", "Connection: closed\r\n"), true),
        (old(""), false),
        (old("Connection: keep-alive\r\n"), true),
        (old("Connection: keep-alive, close\r\n"), false),
        ("GET / HTTP/1.0\r\n\r\n".into(), false),
        (get("/bye", ""), false),
    ] {
        assert_eq!(ask(&request).2, goes_on, "{request}");
    }
    // Who speaks HTTP/1.0 must be told (RFC 9112, C.2.2).
    let mut talk = Talk::new();
    talk.say(old("Connection: keep-alive\r\n"));
    assert!(talk.answer().contains("\r\nconnection: keep-alive\r\n"));
}

#[test]
fn what_is_not_in_a_response() {
    let mut talk = Talk::new();
    // RFC 9110, 9.3.2: as if it were GET.
    talk.say("HEAD / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n");
    assert_eq!(talk.answer(), "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
    for status in [204, 304] {
        talk.say(get(&format!("/status/{status}"), ""));
        let answer = talk.answer();
        assert!(answer.ends_with("\r\n\r\n") && !answer.contains("content-length"), "{answer}");
    }
    // What the service says of the connection is not passed on.
    talk.say(get("/bye", ""));
    let answer = talk.answer();
    assert!(answer.contains("\r\nconnection: close\r\ncontent-length: 9\r\n\r\n"), "{answer}");
}

#[test]
fn responses_that_cannot_be_given() {
    for path in ["/status/100", "/status/101", "/size/1048576"] {
        assert_eq!(ask(&get(path, "")), (500, String::new(), true), "{path}");
    }
    assert_eq!(ask(&get("/size/1048000", "")).0, 200);
}

#[test]
fn requests_in_a_row_are_answered_in_order_and_then_a_websocket() {
    let post =
        "POST /p HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\nhi";
    let frame = b"\x81\x85\0\0\0\0alice";
    let refused = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
    let all = [GET, post, "\r\n", refused, &get("/g", ""), UPGRADE].concat();
    let mut talk = Talk::new();
    talk.say([all.as_bytes(), frame].concat());
    assert_eq!(talk.heard, ["GET /", "POST /p", "GET /g", "Text(Utf8Bytes(b\"alice\"))"]);
    let answer = talk.answer();
    let statuses: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect();
    assert_eq!(statuses, ["200", "200", "401", "200", "101"]);
    let bodies = ["\r\n\r\nGET / HTTP", "\r\n\r\nPOST /p hiHTTP", "\r\n\r\nGET /g HTTP"];
    assert!(bodies.iter().all(|body| answer.contains(body)), "{answer}");
}

#[test]
fn nothing_is_read_after_the_last_request() {
    let mut talk = Talk::new();
    talk.say([get("/bye", ""), get("/late", "")].concat());
    assert_eq!(talk.heard, ["GET /bye", "Close"]);
    assert!(talk.peer.is_closed());
    talk.say(GET);
    assert!(!talk.answer().contains("late"));
}

#[test]
fn who_reads_no_responses_is_not_asked_for_more() {
    let mut talk = Talk::new();
    let calls = |talk: &Talk| talk.heard.len();
    talk.peer.receive(get("/size/5000", "").repeat(10).as_bytes());
    talk.take();
    assert_eq!(calls(&talk), 4);
    assert!(talk.peer.is_held());
    let size = talk.peer.outgoing().len();
    assert!(size < 25_000);
    // Not as long as there is almost as much.
    talk.peer.wrote(1000);
    talk.take();
    assert_eq!(calls(&talk), 4);
    talk.peer.wrote(size - 1000);
    assert!(!talk.peer.is_held());
    talk.take();
    assert_eq!(calls(&talk), 8);
    talk.go_on();
    assert_eq!(calls(&talk), 10);
}

/// What was taken is written only when there is more to take.
#[test]
fn what_was_taken_counts_as_unwritten() {
    let mut talk = Talk::new();
    talk.peer.receive(get("/size/20000", "").as_bytes());
    talk.take();
    assert!(talk.peer.is_held());
    assert!(talk.peer.take_outgoing().len() > 20_000);
    assert!(talk.peer.is_held());
    assert!(talk.peer.take_outgoing().is_empty());
    assert!(!talk.peer.is_held());

    talk.peer.receive(get("/bye", "").as_bytes());
    talk.take();
    talk.peer.take_outgoing();
    assert!(talk.peer.poll().is_none(), "it is yet to be written");
    talk.peer.take_outgoing();
    assert!(matches!(talk.peer.poll(), Some(Received::Close)));
}

/// A response may take longer than a connection that the hub has let go of has left.
#[test]
fn the_end_is_told_when_the_last_response_is_written() {
    let mut talk = Talk::new();
    talk.peer.receive(get("/size/5000", "Connection: close\r\n").as_bytes());
    talk.take();
    let size = talk.peer.outgoing().len();
    talk.peer.wrote(size - 1);
    talk.take();
    assert_eq!(talk.heard, ["GET /size/5000"]);
    talk.peer.wrote(1);
    talk.take();
    assert_eq!(talk.heard, ["GET /size/5000", "Close"]);
    assert!(talk.peer.is_closed());
}

#[test]
fn what_the_hub_closes() {
    let post = "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n";
    for (said, expected) in [
        // Nobody knows what it was meant to become.
        ("", Some("408 Request Timeout")),
        ("GET /", Some("408 Request Timeout")),
        (post, Some("408 Request Timeout")),
        // It was done with what it had asked for, and may be about to ask for more (RFC 9112, 9.5).
        (GET, None),
        (&[GET, "\r\n"].concat(), None),
        (&[GET, "\r\nG"].concat(), Some("408 Request Timeout")),
        (&[GET, post].concat(), Some("408 Request Timeout")),
    ] {
        let mut talk = Talk::new();
        talk.say(said);
        talk.answer();
        talk.close(408);
        assert!(talk.peer.is_closed());
        let answer = talk.answer();
        match expected {
            None => assert_eq!(answer, "", "{said}"),
            Some(status) => {
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{said}\n{answer}");
                assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
            }
        }
    }
}

/// Whoever hands out a request has it answered, even if the hub lets go of the connection meanwhile.
#[test]
fn a_request_that_was_handed_out_is_answered() {
    let mut talk = Talk::new();
    talk.peer.receive([GET, GET].concat().as_bytes());
    let Some(Received::Call(request)) = talk.peer.poll() else { panic!("a call") };
    talk.close(503);
    assert!(!talk.peer.is_closed());
    assert!(talk.peer.poll().is_none());
    talk.peer.answer(Echo.call(&request));
    assert!(talk.peer.is_closed());
    assert!(talk.peer.poll().is_none());
    let answer = talk.answer();
    assert_eq!(parts(&answer), (200, "GET / ", false));
    // One that was not asked for is none.
    talk.peer.answer(Echo.call(&request));
    assert_eq!(talk.answer(), "");
}

#[test]
fn without_a_service_all_is_refused() {
    let mut talk = Talk::with(Settings { http: None, ..settings() });
    talk.say(GET);
    let answer = talk.answer();
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.ends_with("426 Upgrade Required: this is a WebSocket server\n"), "{answer}");
}
