//! How a connection comes in: by which door, from whom, and who is turned away.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    thread,
};

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

fn serve(adapter: Adapter, listener: Listener, stop: &switchboard::Stop) {
    let settings = Settings::default();
    match adapter {
        Adapter::Smol => switchboard::smol::serve(listener, &settings, stop),
        Adapter::Blocking => switchboard::blocking::serve(listener, &settings, stop),
        Adapter::Mio => unreachable!("the example listens on TCP"),
    }
    .expect("an orderly end");
}
