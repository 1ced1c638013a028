//! HTTP over real sockets. What is answered to what is tested by the byte; here, that each adapter
//! carries it, with any client.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::Duration,
};

use switchboard::{Settings, http::HttpConfig, tls::Tls};
use switchboard_core::Config;
use switchboard_tests::{Adapter, Certificate, Client, Echo, HttpClient, Server, eventually};

fn settings() -> Settings {
    let http = HttpConfig { max_body: 1 << 20, ..HttpConfig::new(Arc::new(Echo)) };
    // On a slow machine a test's requests may take longer than they usually should.
    let hub = Config { login_timeout: Duration::from_secs(600), ..Settings::default().hub };
    Settings { http: Some(http), hub, ..Settings::default() }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post(rest: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n{rest}")
}

/// Runs a row on all adapters, side by side.
fn on_each_adapter(settings: &Settings, row: impl Fn(&Server) + Sync) {
    thread::scope(|threads| {
        for adapter in Adapter::ALL {
            let server = Server::start_with_send_buffer(16 << 10, adapter, settings.clone());
            let row = &row;
            let run = move || row(&server);
            let thread = thread::Builder::new().name(format!("{adapter:?}"));
            thread.spawn_scoped(threads, run).expect("a thread");
        }
    });
}

#[test]
fn requests_one_after_the_other_and_then_a_websocket() {
    on_each_adapter(&settings(), |server| {
        let mut client = HttpClient::connect(server.address());
        assert_eq!(client.ask(&get("/a")).body, "GET /a ");
        assert_eq!(client.ask(&post("Content-Length: 5\r\n\r\nhello")).body, "POST / hello");
        // Several at once, and one in pieces.
        client.say(
            [get("/b"), get("/c"), post("Transfer-Encoding: chunked\r\n\r\n5\r\nhe")].concat(),
        );
        assert_eq!(client.hear().body, "GET /b ");
        assert_eq!(client.hear().body, "GET /c ");
        client.say("llo\r\n0\r\n\r\n");
        assert_eq!(client.hear().body, "POST / hello");
        let large = "x".repeat(1 << 20);
        let answer = client.ask(&post(&format!("Content-Length: {}\r\n\r\n{large}", large.len())));
        assert_eq!(answer.status, 500, "the response is larger than it may be");
        assert_eq!(client.ask(&get("/size/1000000")).body.len(), 1_000_000);

        let mut alice = Client::over(client.into_stream());
        alice.say("alice");
        alice.hears("login success, your uid is alice");
    });
}

#[test]
fn who_waits_before_sending_a_body_is_told_to_go_on() {
    on_each_adapter(&settings(), |server| {
        let mut client = HttpClient::connect(server.address());
        let answer = client.ask(&post("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
        assert_eq!(answer.status, 100);
        assert_eq!(client.ask("hi").body, "POST / hi");
    });
}

#[test]
fn a_connection_ends_as_was_agreed() {
    on_each_adapter(&settings(), |server| {
        for request in [
            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
        ] {
            let mut client = HttpClient::connect(server.address());
            assert_eq!(client.ask(request).body, "GET / ");
            client.hears_the_end();
        }
        let mut client = HttpClient::connect(server.address());
        assert_eq!(client.ask("GET /\r\n\r\n").status, 400);
        client.hears_the_end();
    });
}

/// What it goes on sending is read, and not kept: otherwise the reset that answers it could cost it
/// the response.
#[test]
fn who_may_not_send_a_body_hears_so_after_sending_it() {
    let hub = Config { close_timeout: Duration::from_secs(60), ..settings().hub };
    on_each_adapter(&Settings { hub, ..settings() }, |server| {
        const SIZE: usize = 8 << 20;
        let mut client = HttpClient::connect(server.address());
        client.say(format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SIZE}\r\n\r\n"));
        client.say(vec![b'x'; SIZE]);
        let answer = client.hear();
        assert_eq!((answer.status, &*answer.body), (401, "who are you?"));
        assert!(answer.head.contains("connection: close"), "{}", answer.head);
        client.hears_the_end();
    });
}

/// The server reads no more than it can answer, and goes on when it can.
#[test]
fn who_asks_without_reading_gets_all_its_answers_when_it_reads() {
    for size in [0, 5_000, 50_000] {
        on_each_adapter(&settings(), |server| {
            let request = get(&format!("/size/{size}"));
            let mut client = HttpClient::connect_with_buffers(16 << 10, server.address());
            let sent = client.say_until_full(&request);
            // Of which the last may be in part.
            let requests = sent.div_ceil(request.len());
            let rest = &request[request.len() - (requests * request.len() - sent)..];
            let hear = |client: &mut HttpClient| {
                let answer = client.hear();
                assert_eq!((answer.status, answer.body.len()), (200, size));
            };
            (1..requests).for_each(|_| hear(&mut client));
            client.say(rest);
            hear(&mut client);
            assert_eq!(client.ask(&get("/done")).body, "GET /done ");
        });
    }
}

/// A response may take longer than a connection has left that the hub has let go of.
#[test]
fn the_last_response_may_take_its_time() {
    let hub = Config { close_timeout: Duration::from_millis(50), ..settings().hub };
    on_each_adapter(&Settings { hub, ..settings() }, |server| {
        let last = |path: &str| format!("GET {path} HTTP/1.0\r\n\r\n");
        let mut slow = HttpClient::connect(server.address());
        slow.say(last("/size/1000000"));
        // One that came later and is dropped for not closing its side shows how much time has passed.
        for _ in 0..2 {
            let mut other = HttpClient::connect(server.address());
            other.ask(&last("/"));
            eventually(|| other.is_dropped(), |&is_dropped| is_dropped);
        }
        assert_eq!(slow.hear().body.len(), 1_000_000);
        slow.hears_the_end();
    });
}

#[test]
fn when_the_server_stops_who_has_asked_is_told() {
    on_each_adapter(&settings(), |server| {
        let mut idle = HttpClient::connect(server.address());
        assert_eq!(idle.ask(&get("/")).status, 200);
        let mut busy = HttpClient::connect(server.address());
        let half = post("Expect: 100-continue\r\nContent-Length: 2\r\n\r\nh");
        assert_eq!(busy.ask(&half).status, 100);
        server.stop();
        idle.hears_the_end();
        assert_eq!(busy.hear().status, 503);
        busy.hears_the_end();
    });
}

#[test]
fn who_takes_too_long_for_a_request_is_told() {
    let hub = Config { login_timeout: Duration::from_millis(50), ..settings().hub };
    on_each_adapter(&Settings { hub, ..settings() }, |server| {
        let mut client = HttpClient::connect(server.address());
        assert_eq!(client.ask("GET / HTTP/1.1\r\nHo").status, 408);
        client.hears_the_end();
    });
}

const ADAPTERS: [Adapter; 2] = [Adapter::Smol, Adapter::Blocking];

/// What a program prints.
fn printed(command: &mut Command) -> String {
    let output = command.output();
    let output = output
        .unwrap_or_else(|error| panic!("{command:?}: {error}; tests/all installs what is missing"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn curl() {
    let certificate = Certificate::new();
    let paths: Vec<_> = certificate.arguments().skip(1).step_by(2).map(Path::new).collect();
    let tls = Tls::load(paths[0], paths[1]).expect("a pair");
    for (scheme, tls) in [("http", None), ("https", Some(tls))] {
        for adapter in ADAPTERS {
            let server = Server::start(adapter, Settings { tls: tls.clone(), ..settings() });
            let url =
                |path: &str| format!("{scheme}://localhost:{}{path}", server.address().port());
            let curl = |arguments: &[&str]| {
                printed(
                    Command::new("curl")
                        .args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
                        .arg(certificate.path())
                        .args(["--write-out", " %{http_code} %{num_connects}\n"])
                        .args(["--header", "Authorization: Bearer x"])
                        .args(arguments),
                )
            };
            // The second one over the same connection.
            assert_eq!(curl(&[&url("/a"), &url("/b")]), "GET /a  200 1\nGET /b  200 0\n");
            assert_eq!(curl(&["--data", "hi", &url("/")]), "POST / hi 200 1\n");
            let expect = "Expect: 100-continue";
            let waits =
                ["--header", expect, "--expect100-timeout", "60", "--data", "hi", &url("/")];
            assert_eq!(curl(&waits), "POST / hi 200 1\n");
            let chunked = ["--header", "Transfer-Encoding: chunked", "--data", "hi", &url("/")];
            assert_eq!(curl(&chunked), "POST / hi 200 1\n");
            assert_eq!(curl(&["--http1.0", "--no-alpn", &url("/")]), "GET /  200 1\n");
            let head = curl(&["--head", &url("/size/1000")]);
            assert!(head.contains("content-length: 1000\r\n"), "{head}");
            assert_eq!(curl(&["--request", "PUT", &url("/")]), "PUT /  200 1\n");
        }
    }
}

/// Node's own client, with a body that it sends in chunks, over one connection.
#[test]
fn node() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("strangers/http.cjs");
    for adapter in ADAPTERS {
        let server = Server::start(adapter, settings());
        let url = format!("http://{}", server.address());
        let printed = printed(Command::new("node").arg(&script).arg(&url));
        assert_eq!(
            printed,
            "200 GET /first \n\
             200 POST /chunked one two\n\
             401 who are you?\n\
             200 1000000 bytes\n\
             2 connections\n"
        );
    }
}
