//! How a connection comes in: by which door, from whom, and who is turned away.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    sync::mpsc,
    thread,
    time::Duration,
};

use socket2::{Domain, SockAddr, Socket, Type};
use switchboard::{Listener, Settings, listen};
use switchboard_core::Config;
use switchboard_tests::{Adapter, Server, eventually};
use tungstenite::{Message, client};

const ADAPTERS: [Adapter; 2] = [Adapter::Smol, Adapter::Blocking];

/// What a server answers to a request that is not to become a WebSocket.
fn answer(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server closes");
    answer
}

/// What a WebSocket client hears first when it logs in.
fn greeting(stream: impl Read + Write, uid: &str) -> String {
    let (mut socket, _) = client("ws://localhost/", stream).expect("the server shakes hands");
    socket.send(Message::text(uid)).expect("the server reads");
    socket.read().expect("an answer").to_text().expect("text").to_owned()
}

#[test]
fn http_that_asks_for_no_websocket_is_answered() {
    for adapter in Adapter::ALL {
        let server = Server::start(adapter, Settings::default());
        let connect = || TcpStream::connect(server.address()).expect("the server accepts");
        let asked = answer(connect(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(asked.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{asked}");
        assert!(asked.contains("Upgrade: websocket\r\n"), "{asked}");
        let posted = answer(connect(), "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(posted.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{posted}");
        let garbage = answer(connect(), "\u{1}\u{2}\u{3}\r\n\r\n");
        assert!(garbage.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{garbage}");
    }
}

#[test]
fn at_the_limit_of_connections_the_next_one_is_answered_503() {
    for adapter in ADAPTERS {
        let hub = Config { max_connections: 2, ..Config::default() };
        let server = Server::start(adapter, Settings { hub, ..Settings::default() });
        let mut alice = server.log_in("alice");
        let bob = server.log_in("bob");
        let refused = || {
            let mut refused = String::new();
            let mut stream = TcpStream::connect(server.address()).expect("it is accepted");
            stream.read_to_string(&mut refused).expect("the server closes");
            refused
        };
        for _ in 0..50 {
            let refused = refused();
            assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
            assert!(refused.contains("Retry-After: "), "{refused}");
        }
        bob.leave();
        alice.say("bob:hi");
        // The hub learns a moment later that bob's socket is gone.
        let connect = || TcpStream::connect(server.address()).expect("it is accepted");
        let has_place = || client("ws://localhost/", connect()).is_ok();
        eventually(has_place, |&has_place| has_place);
        alice.say("alice:all the time");
        alice.hears("error: bob is not online");
        alice.hears("all the time");
    }
}

#[test]
fn a_unix_socket() {
    for adapter in ADAPTERS {
        let folder = std::env::temp_dir().join(format!("switchboard-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files");
        let path = folder.join(format!("{adapter:?}"));
        let address = format!("unix:{}", path.display());
        // What a server that was killed leaves behind.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a free path"));
        let listener = listen::bind(&address).expect("nobody listens there");
        assert_eq!(listener.url("ws"), address);
        let taken = listen::bind(&address).expect_err("somebody listens there").to_string();
        assert!(taken.contains("a server listens there"), "{taken}");

        let (stopper, stop) = switchboard::stop();
        let served = thread::spawn(move || serve(adapter, listener, &stop));
        let connect = || UnixStream::connect(&path).expect("the server accepts");
        let greeting = greeting(connect(), "alice");
        assert_eq!(greeting, "login success, your uid is alice");
        stopper.stop();
        served.join().expect("no panic");
        assert!(!path.exists(), "the file goes with the server");
        std::fs::remove_dir_all(&folder).expect("an empty folder");
    }
}

/// It is not taken for what a server that was killed has left behind.
#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("notes");
    std::fs::write(&path, "to be kept").expect("a file");
    let error = listen::bind(&format!("unix:{}", path.display())).expect_err("it is no socket");
    assert!(error.to_string().contains("the file is no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "to be kept");
}

/// One that accepts nobody does not hold up who would take its place.
#[test]
fn a_server_that_hangs_listens_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("socket");
    let address = SockAddr::unix(&path).expect("a short path");
    let new = || Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    let listener = new();
    listener.bind(&address).expect("a free path");
    listener.listen(1).expect("a bound socket");
    let mut waiting = Vec::new();
    loop {
        let socket = new();
        socket.set_nonblocking(true).expect("a socket");
        if socket.connect(&address).is_err() {
            break;
        }
        waiting.push(socket);
    }
    let (sender, bound) = mpsc::channel();
    let address = format!("unix:{}", path.display());
    thread::spawn(move || sender.send(listen::bind(&address)));
    let bound = bound.recv_timeout(Duration::from_secs(10)).expect("it does not wait");
    let error = bound.expect_err("somebody listens there").to_string();
    assert!(error.contains("a server listens there"), "{error}");
}

#[test]
fn a_path_that_is_too_long_for_a_unix_socket() {
    let error = listen::bind(&format!("unix:/tmp/{}", "x".repeat(200))).expect_err("too long");
    assert!(error.to_string().contains("the path is too long"), "{error}");
}

fn serve(adapter: Adapter, listener: Listener, stop: &switchboard::Stop) {
    let settings = Settings::default();
    match adapter {
        Adapter::Smol => switchboard::smol::serve(listener, &settings, stop),
        Adapter::Blocking => switchboard::blocking::serve(listener, &settings, stop),
        Adapter::Mio => unreachable!("the example listens on TCP"),
    }
    .expect("an orderly end");
}

/// A request to become a WebSocket, with further lines of the head.
fn request(lines: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    )
}

/// The status of the answer, and the connection.
fn status(mut stream: TcpStream, request: &str) -> (String, TcpStream) {
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    (String::from_utf8_lossy(&status[9..]).into(), stream)
}

#[test]
fn pages_of_other_origins_are_turned_away() {
    let origins = ["https://example.com", "https://*.example.org"];
    let origins = origins.map(|origin| origin.parse().expect("an origin"));
    let settings = Settings { origins: origins.into_iter().collect(), ..Settings::default() };
    for adapter in Adapter::ALL {
        let server = Server::start(adapter, settings.clone());
        for (line, expected) in [
            ("", "101"),
            ("Origin: https://example.com\r\n", "101"),
            ("Origin: https://a.example.org\r\n", "101"),
            ("Origin: http://example.com\r\n", "403"),
            ("Origin: https://example.com.evil.net\r\n", "403"),
            ("Origin: null\r\n", "403"),
        ] {
            let stream = TcpStream::connect(server.address()).expect("the server accepts");
            assert_eq!(status(stream, &request(line)).0, expected, "{adapter:?} {line}");
        }
    }
}

#[test]
fn an_address_has_so_many_connections() {
    let hub = Config { max_connections_per_address: Some(2), ..Config::default() };
    for adapter in ADAPTERS {
        let server = Server::start(adapter, Settings { hub: hub.clone(), ..Settings::default() });
        let connect = || TcpStream::connect(server.address()).expect("it is accepted");
        let (first, _first) = status(connect(), &request(""));
        let (second, second_stream) = status(connect(), &request(""));
        assert_eq!([&*first, &*second], ["101", "101"]);
        let mut refused = String::new();
        connect().read_to_string(&mut refused).expect("the server closes");
        assert!(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{refused}");
        drop(second_stream);
        eventually(|| client("ws://localhost/", connect()).is_ok(), |&has_place| has_place);
    }
}

#[test]
fn behind_a_proxy_the_clients_address_counts() {
    let hub = Config { max_connections_per_address: Some(1), ..Config::default() };
    let trusted_proxies = ["127.0.0.1".parse().expect("an address")].into_iter().collect();
    let forwarded = Settings { hub: hub.clone(), trusted_proxies, ..Settings::default() };
    let header = Settings { hub, proxy_protocol: true, ..Settings::default() };
    for adapter in Adapter::ALL {
        let line = |ip: &str| request(&format!("X-Forwarded-For: 198.51.100.9, {ip}\r\n"));
        let proxied = |ip: &str| format!("PROXY TCP4 {ip} 127.0.0.1 1000 1234\r\n{}", request(""));
        type Request<'a> = &'a dyn Fn(&str) -> String;
        for (settings, first_bytes) in [(&forwarded, &line as Request<'_>), (&header, &proxied)] {
            let server = Server::start(adapter, settings.clone());
            let connect = |ip: &str| {
                let stream = TcpStream::connect(server.address()).expect("it is accepted");
                let (status, mut stream) = status(stream, &first_bytes(ip));
                assert_eq!(status, "101");
                // Up to what follows the head.
                let (mut seen, mut byte) = (Vec::new(), [0]);
                while !seen.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte).expect("a head");
                    seen.extend(byte);
                }
                stream
            };
            let _one = connect("192.0.2.1");
            let _other = connect("192.0.2.2");
            let mut again = connect("192.0.2.1");
            let mut close = [0; 4];
            again.read_exact(&mut close).expect("a close frame");
            assert_eq!((close[0], &close[2..]), (0x88, &1008u16.to_be_bytes()[..]));
        }
    }
}
