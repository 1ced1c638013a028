//! The HTTP API over real sockets, beside WebSockets on the same port.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use switchboard::{
    Door, Settings,
    api::{ApiConfig, ApiKeys},
    listen,
};
use switchboard_core::{Config, Kick};
use switchboard_tests::{Adapter, Client, Process, Server, eventually};
use ureq::{Agent, http::Response};

const ADAPTERS: [Adapter; 2] = [Adapter::Smol, Adapter::Blocking];

const SERVER: &str = env!("CARGO_BIN_EXE_server");

fn settings() -> Settings {
    Settings { api: Some(ApiConfig::default()), ..Settings::default() }
}

/// A client of the API, which keeps its connection.
struct Caller {
    agent: Agent,
    server: SocketAddr,
}

impl Caller {
    fn new(server: SocketAddr) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        let config = config.timeout_global(Some(Duration::from_secs(30)));
        Self { agent: config.build().into(), server }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server)
    }

    fn get(&self, path: &str) -> (u16, Value) {
        read(self.agent.get(self.url(path)).call())
    }

    fn delete(&self, path: &str) -> (u16, Value) {
        read(self.agent.delete(self.url(path)).call())
    }

    fn push(&self, body: &Value) -> (u16, Value) {
        let request = self.agent.post(self.url("/v1/push"));
        read(request.content_type("application/json").send(body.to_string()))
    }
}

fn read(response: Result<Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut response = response.expect("an answer");
    let text = response.body_mut().read_to_string().expect("text");
    let body = serde_json::from_str(&text).unwrap_or(Value::from(text));
    (response.status().as_u16(), body)
}

#[test]
fn what_is_pushed_over_http_comes_over_the_websocket() {
    for adapter in ADAPTERS {
        let server = Server::start(adapter, settings());
        let caller = Caller::new(server.address());
        let [mut alice, mut bob] = ["alice", "bob"].map(|uid| server.log_in(uid));
        let (status, answer) = caller.push(&json!([
            {"to": ["bob", "carol"], "message": "a:b"},
            {"to": "all", "message": "tea"},
        ]));
        let expected = json!([
            {"recipients": [
                {"to": "bob", "connections": 1},
                {"to": "carol", "connections": 0, "error": "carol is not online"},
            ]},
            {"recipients": [{"to": "all", "connections": 2}]},
        ]);
        assert_eq!((status, answer), (200, expected));
        bob.hears("a:b");
        bob.hears("tea");
        alice.hears("tea");
        let (_, users) = caller.get("/v1/users");
        let user = |uid: &str| json!({"uid": uid, "connections": 1});
        assert_eq!(users, json!({"users": [user("alice"), user("bob")], "next": null}));
        let (_, stats) = caller.get("/v1/stats");
        assert_eq!(stats["messages"]["accepted"], 2);
        // Each of them, and the caller, which has kept its connection.
        assert_eq!(stats["connections"], 3);
    }
}

#[test]
fn a_user_can_be_told_of_and_closed_with_a_code_and_a_reason() {
    for adapter in ADAPTERS {
        let server = Server::start(adapter, settings());
        let caller = Caller::new(server.address());
        let mut bob = server.log_in("b/ö b");
        let path = "/v1/users/b%2F%C3%B6%20b";
        let (status, user) = caller.get(path);
        assert_eq!((status, &user["uid"]), (200, &json!("b/ö b")));
        assert_eq!(user["connections"][0]["generation"], 1);
        caller.push(&json!({"to": "b/ö b", "message": "before"}));
        let (status, kicked) = caller.delete(&format!("{path}?code=4321&reason=enough"));
        assert_eq!((status, kicked), (200, json!({"uid": "b/ö b", "closed": 1})));
        bob.hears("before");
        bob.hears_close(4321);
        assert_eq!(caller.get(path).0, 404);
        assert_eq!(caller.delete(path).0, 404);
        let (_, metrics) = caller.get("/metrics");
        let metrics = metrics.as_str().expect("text");
        assert!(metrics.contains("switchboard_closes_total{reason=\"kicked\"} 1\n"), "{metrics}");
        let steps = metrics
            .lines()
            .find_map(|line| line.strip_prefix("switchboard_hub_step_seconds_count "));
        assert!(steps.expect("a count").parse::<u64>().expect("a number") > 0);
        for path in ["/healthz", "/readyz"] {
            assert_eq!(caller.get(path), (200, json!({"status": "ok"})));
        }
    }
}

#[test]
fn a_caller_has_as_long_for_its_next_call_as_others_for_their_login() {
    for adapter in ADAPTERS {
        let login_timeout = Duration::from_secs(2);
        let hub = Config { login_timeout, ..Config::default() };
        let server = Server::start(adapter, Settings { hub, ..settings() });
        let mut stream = TcpStream::connect(server.address()).expect("the server accepts");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout above zero");
        let start = Instant::now();
        while start.elapsed() < login_timeout * 5 / 4 {
            let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(request).expect("it reads");
            let mut answer = [0; 1024];
            let size = stream.read(&mut answer).expect("an answer");
            assert!(answer[..size].starts_with(b"HTTP/1.1 200 OK\r\n"));
        }
        // Then it is idle, and closed without a word.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("an orderly end");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

#[test]
fn each_door_has_what_it_is_for() {
    for adapter in ADAPTERS {
        let listeners = [(); 2].map(|()| listen::bind_tcp("127.0.0.1:0").expect("a free port"));
        let [public, admin] =
            [0, 1].map(|index: usize| listeners[index].local_addr().expect("an address"));
        let [first, second] = listeners.map(Door::from);
        let doors = [Door { http: false, ..first }, Door { websocket: false, ..second }];
        let (stopper, stop) = switchboard::stop();
        let server = thread::spawn(move || match adapter {
            Adapter::Smol => switchboard::smol::Server::new(settings()).serve(doors, &stop),
            _ => switchboard::blocking::Server::new(settings()).serve(doors, &stop),
        });
        let mut bob = Client::log_in(public, "bob");
        assert_eq!(Caller::new(public).get("/healthz").0, 426);
        let caller = Caller::new(admin);
        caller.push(&json!({"to": "bob", "message": "hello"}));
        bob.hears("hello");
        let mut upgrade = TcpStream::connect(admin).expect("the server accepts");
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        upgrade.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        upgrade.read_to_string(&mut answer).expect("text and an end");
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
        stopper.stop();
        bob.hears_close(1001);
        server.join().expect("no panic").expect("an orderly end");
    }
}

#[test]
fn a_program_reaches_its_own_server() {
    for adapter in ADAPTERS {
        let listener = listen::bind_tcp("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stopper, stop) = switchboard::stop();
        let serve = |stop: switchboard::Stop| match adapter {
            Adapter::Smol => {
                let server = switchboard::smol::Server::new(Settings::default());
                let handle = server.handle();
                let doors = [Door::from(listener)];
                (handle, thread::spawn(move || server.serve(doors, &stop)))
            }
            _ => {
                let server = switchboard::blocking::Server::new(Settings::default());
                let handle = server.handle();
                let doors = [Door::from(listener)];
                (handle, thread::spawn(move || server.serve(doors, &stop)))
            }
        };
        let (handle, server) = serve(stop);
        assert_eq!(handle.users(None, 10), []);
        let mut bob = Client::log_in(address, "bob");
        assert_eq!(handle.push("bob", "hello"), Ok(1));
        assert_eq!(handle.push("all", "hello all"), Ok(1));
        assert!(handle.push("eve", "hello").is_err() && handle.push("a:b", "hello").is_err());
        bob.hears("hello");
        bob.hears("hello all");
        assert_eq!(handle.users(None, 10), [("bob".to_owned(), 1)]);
        assert_eq!(handle.stats().accepted, 2);
        assert_eq!(handle.kick("bob", &Kick::default()), Ok(1));
        bob.hears_close(4000);
        stopper.stop();
        server.join().expect("no panic").expect("an orderly end");
    }
}

#[test]
fn keys_come_from_files_and_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    std::fs::write(&file, "the-first-key-of-two\n\n  the-second-key-of-two\n").expect("a file");
    let file = file.to_str().expect("text");
    for runtime in ["smol", "blocking"] {
        let server = Process::start(SERVER, &["--runtime", runtime, "--api-key", file]);
        let caller = Caller::new(server.address());
        let (status, problem) = caller.get("/v1/stats");
        assert_eq!((status, &problem["status"]), (401, &json!(401)));
        for key in ["the-first-key-of-two", "the-second-key-of-two"] {
            let request = caller.agent.get(caller.url("/v1/stats"));
            let (status, _) = read(request.header("Authorization", format!("Bearer {key}")).call());
            assert_eq!(status, 200);
        }
        assert_eq!(caller.get("/healthz").0, 200);
    }
}

#[test]
fn without_a_key_a_call_from_elsewhere_is_refused() {
    for adapter in ADAPTERS {
        let server = Server::start(adapter, settings());
        let caller = Caller::new(server.address());
        for (header, value) in [
            ("X-Forwarded-For", "127.0.0.1"),
            ("Forwarded", "for=127.0.0.1"),
            ("Host", "example.com"),
            ("Origin", "https://example.com"),
            ("Sec-Fetch-Site", "cross-site"),
        ] {
            let request = caller.agent.get(caller.url("/v1/users")).header(header, value);
            assert_eq!(read(request.call()).0, 403, "{header}: {value}");
        }
        assert_eq!(caller.get("/v1/users").0, 200);
    }
}

#[test]
fn the_admin_address_has_the_api_and_the_public_one_has_not() {
    for runtime in ["smol", "blocking"] {
        let socket = tempfile::tempdir().expect("a folder");
        let socket = socket.path().join("admin");
        let admin = format!("unix:{}", socket.display());
        let server = Process::start(SERVER, &["--runtime", runtime, "--admin-listen", &admin]);
        let mut bob = server.log_in("bob");
        assert_eq!(Caller::new(server.address()).get("/healthz").0, 426);
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).expect("it accepts");
        let request = "POST /v1/push?to=bob&message=hello HTTP/1.1\r\nHost: localhost\r\n\
            Content-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text and an end");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        bob.hears("hello");
    }
}

#[test]
fn a_server_that_drains_is_not_ready_and_still_passes_messages_on() {
    for adapter in ADAPTERS {
        let drain = Duration::from_secs(3600);
        let server = Server::start(adapter, Settings { drain, ..settings() });
        let caller = Caller::new(server.address());
        let mut bob = server.log_in("bob");
        assert_eq!(caller.get("/readyz").0, 200);
        server.stop();
        let status = || caller.get("/readyz").0;
        eventually(status, |status| *status == 503);
        assert_eq!(caller.get("/healthz").0, 200);
        assert_eq!(caller.push(&json!({"to": "bob", "message": "still here"})).0, 200);
        bob.hears("still here");
        // It ends when all are gone, of their own accord.
        bob.leave();
    }
}

#[test]
fn bad_options_are_refused_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let (empty, short) = (file("empty", "\n"), file("short", "short\n"));
    for (arguments, says) in [
        (["--api-key", "/nowhere/keys"], "api-key /nowhere/keys: "),
        (["--api-key", &empty], "expected a key"),
        (["--api-key", &short], "expected a key of 16 bytes or more"),
        (["--admin-listen", "nowhere"], "expected ADDR:PORT"),
        (["--max-body", "1kB"], "expected a number of bytes"),
    ] {
        let mut command = std::process::Command::new("timeout");
        let output = command.args(["20", SERVER]).args(arguments).output().expect("it can be run");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}

#[test]
fn keys_are_kept_as_digests() {
    let mut keys = ApiKeys::default();
    keys.add("a-key-that-nobody-sees").expect("a key");
    let settings =
        Settings { api: Some(ApiConfig { keys, ..ApiConfig::default() }), ..Settings::default() };
    assert!(!format!("{settings:?}").contains("a-key-that"));
}
