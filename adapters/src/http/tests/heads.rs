//! Heads: what is taken, what is turned away, and who is said to call.

use std::net::IpAddr;

use super::*;

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn heads_that_are_wrong() {
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(9000));
    let endless = format!("GET /{}", "x".repeat(9000));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: x\r\n".repeat(64));
    for (head, expected) in [
        (&*long, 431),
        (&*endless, 431),
        (&*many, 431),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 505),
        ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ?x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://me@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}garbage\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417),
    ] {
        let (status, body, goes_on) = ask(head);
        assert_eq!((status, goes_on), (expected, false), "{head}");
        // A line that says what is wrong.
        assert!(body.starts_with(&status.to_string()) && body.ends_with('\n'), "{body}");
        assert!(body.contains(": ") && !body.contains("WebSocket"), "{body}");
    }
}

#[test]
fn targets_become_paths() {
    for (head, target, host) in [
        ("GET /a?b=c HTTP/1.1\r\nHost: x:1\r\n\r\n", "/a?b=c", "x:1"),
        ("GET //a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "//a", "[::1]:80"),
        ("GET http://y/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "/a?b", "y"),
        ("GET HTTPS://y:8 HTTP/1.1\r\nHost: x\r\n\r\n", "/", "y:8"),
        ("\r\n\r\nget / HTTP/1.1\r\nHost:\r\n\r\n", "/", ""),
    ] {
        let mut talk = Talk::new();
        talk.peer.receive(head.replace("get", "GET").as_bytes());
        let Some(Received::Call(request)) = talk.peer.poll() else { panic!("{head}") };
        assert_eq!(request.uri(), target, "{head}");
        assert_eq!(request.headers()["host"], host, "{head}");
    }
}

#[test]
fn the_server_as_a_whole_is_not_for_the_service() {
    let options = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(ask(options), (204, String::new(), true));
    let with_a_body = options.replace("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(ask(&with_a_body), (204, String::new(), false));
}

#[test]
fn any_method_is_for_the_service() {
    for method in ["GET", "get", "DELETE", "PATCH", "TRACE", "BREW"] {
        let head = format!("{method} / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n");
        assert_eq!(ask(&head), (200, format!("{method} / "), true));
    }
}

#[test]
fn a_websocket_beside_it() {
    let open = |config: PeerConfig, request: &str| {
        let mut talk = Talk::of(config);
        talk.say(request);
        parts(&talk.answer()).0
    };
    let body = UPGRADE.replace("Host", "Content-Length: 1\r\nHost");
    for (request, expected) in [
        (UPGRADE.to_owned(), 101),
        (UPGRADE.replace("Upgrade: websocket\r\n", ""), 426),
        (UPGRADE.replace("Connection: Upgrade\r\n", ""), 426),
        (UPGRADE.replace("HTTP/1.1", "HTTP/1.0"), 505),
        (UPGRADE.replace("Host: here", "X: x"), 400),
        // Upgrade may be ignored, and so it is with other methods and protocols.
        (UPGRADE.replace("GET", "POST"), 401),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n".into(), 200),
        (body.clone(), 400),
        (body.replace("Content-Length: 1", "Transfer-Encoding: chunked"), 400),
    ] {
        assert_eq!(open(settings().peer_config(), &request), expected, "{request}");
    }
    let without = || PeerConfig { websocket: None, ..settings().peer_config() };
    assert_eq!(open(without(), UPGRADE), 404);
    assert_eq!(open(PeerConfig { http: None, ..without() }, UPGRADE), 404);
}

#[test]
fn who_calls() {
    let trusted: [IpAddr; 1] = ["192.0.2.1".parse().expect("an address")];
    let trusted_proxies = trusted.iter().map(|ip| ip.to_string().parse().expect("one")).collect();
    let proxied = Settings { trusted_proxies, ..settings() };
    let header = Settings { proxy_protocol: true, ..settings() };
    for (settings, before, line, address, is_forwarded) in [
        (settings(), "", "", "192.0.2.1", false),
        // Nobody has said to trust it. Still it says that it is not the caller.
        (settings(), "", "X-Forwarded-For: 10.0.0.1\r\n", "192.0.2.1", true),
        (settings(), "", "Via: 1.1 cache\r\n", "192.0.2.1", true),
        (settings(), "", "X-Real-IP: 10.0.0.1\r\n", "192.0.2.1", true),
        (proxied.clone(), "", "", "192.0.2.1", false),
        (proxied.clone(), "", "X-Forwarded-For: 10.0.0.1\r\n", "10.0.0.1", true),
        (proxied, "", "Forwarded: for=10.0.0.2\r\n", "10.0.0.2", true),
        (header, "PROXY TCP4 10.0.0.3 10.0.0.4 5 6\r\n", "", "10.0.0.3", true),
    ] {
        let mut talk = Talk::with(settings);
        talk.peer.receive(format!("{before}GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n").as_bytes());
        let mut told = talk.peer.poll();
        if !before.is_empty() {
            // This is the address of all that comes over the connection.
            assert!(matches!(told, Some(Received::Address(a)) if a.to_string() == address));
            told = talk.peer.poll();
        }
        let Some(Received::Call(request)) = told else { panic!("{told:?}") };
        let caller = Caller { address: address.parse().ok(), is_forwarded };
        assert_eq!(request.extensions().get(), Some(&caller), "{line}");
    }
}

/// One connection of a proxy carries requests of many clients. Only one can become a WebSocket.
#[test]
fn the_hub_learns_a_forwarded_address_from_the_websocket() {
    let trusted_proxies = ["192.0.2.1".parse().expect("one")].into_iter().collect();
    let mut talk = Talk::with(Settings { trusted_proxies, ..settings() });
    let forwarded = |text: &str, ip: &str| {
        text.replace("\r\n\r\n", &format!("\r\nX-Forwarded-For: {ip}\r\n\r\n"))
    };
    talk.say(forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "10.0.0.1"));
    talk.say(forwarded(UPGRADE, "10.0.0.2"));
    assert_eq!(talk.heard, ["GET /", "Address(10.0.0.2)"]);
    assert!(talk.answer().contains("HTTP/1.1 101 "));
}
