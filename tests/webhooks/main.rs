//! Webhooks, with a receiver that fails in many ways: it misses nothing, and nobody else notices.

mod receiver;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use receiver::{Deed, Receiver, Request};
use serde_json::{Value, json};
use switchboard::{
    Settings,
    webhook::{Deliveries, Secret, WebhookConfig, Webhooks},
};
use switchboard_tests::{Adapter, Certificate, Process, Server, eventually};

const SERVER: &str = env!("CARGO_BIN_EXE_server");
const RUNTIMES: [&str; 2] = ["smol", "blocking"];

fn start(runtime: &str, receiver: &Receiver, arguments: &[&str]) -> Process {
    let url = receiver.url();
    Process::start(SERVER, &[&["--runtime", runtime, "--webhook-url", &url], arguments].concat())
}

fn log_file(test: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("webhooks_{test}.log"))
}

/// One whose log goes to a file.
fn start_logging(test: &str, receiver: &Receiver, arguments: &[&str]) -> Process {
    let script = format!("exec {SERVER} \"$@\" 2>'{}'", log_file(test).display());
    let url = receiver.url();
    Process::start("sh", &[&["-c", &script, "sh", "--webhook-url", &url], arguments].concat())
}

/// A file for a test, with this text.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the folder of tests can be written");
    path.to_str().expect("text").to_owned()
}

/// A figure of `/metrics`.
fn metric(server: &Process, name: &str) -> u64 {
    let url = format!("http://{}/metrics", server.address());
    let metrics = ureq::get(url).call().expect("an answer").body_mut().read_to_string();
    let metrics = metrics.expect("text");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().expect("a number")
}

/// An event without its number and time.
fn brief(event: &Value) -> Value {
    let mut event = event.clone();
    let fields = event.as_object_mut().expect("an object");
    assert!(fields.remove("sequence").is_some_and(|number| number.is_u64()));
    let at = fields.remove("at").expect("a time");
    let at = at.as_str().expect("text");
    assert!(at.len() == "2026-11-23T04:55:00.123Z".len() && at.ends_with('Z'), "{at}");
    event
}

#[test]
fn logins_and_logouts_are_told_and_nothing_else() {
    for runtime in RUNTIMES {
        let receiver = Receiver::start(&[]);
        let mut server = start(runtime, &receiver, &[]);
        let mut old = server.log_in("bob");
        let bob = server.log_in("bob");
        old.hears_close(4001);
        let eve = server.log_in("eve");
        eve.leave();
        // Never logged in, and not a client at all.
        let silent = TcpStream::connect(server.address()).expect("the server accepts");
        let mut kicked = server.log_in("k");
        let url = format!("http://{}/v1/users/k?code=4321&reason=enough", server.address());
        ureq::delete(url).call().expect("an answer");
        kicked.hears_close(4321);
        receiver.events(7);
        server.signal("TERM");
        drop((silent, bob));
        assert_eq!(server.wait().code(), Some(0));

        let events: Vec<Value> = receiver.events(8).iter().map(brief).collect();
        let login =
            |uid, generation| json!({"type": "login", "uid": uid, "generation": generation});
        let logout = |uid, generation, reason, text, code: Option<u16>| {
            let mut event = json!({"type": "logout", "uid": uid, "generation": generation,
                "reason": reason, "text": text});
            if let Some(code) = code {
                event["code"] = code.into();
            }
            event
        };
        // All events are numbered in the hub, those that are not told as well.
        let logins = events.iter().filter(|event| event["type"] == "login");
        let generations: Vec<u64> = logins.filter_map(|e| e["generation"].as_u64()).collect();
        assert!(generations.is_sorted_by(|one, next| one < next));
        let [old, bob, eve, k] = generations[..] else { panic!("{events:?}") };
        assert_eq!(
            events[..7],
            [
                login("bob", old),
                logout("bob", old, "replaced", "replaced by a newer login", Some(4001)),
                login("bob", bob),
                login("eve", eve),
                logout("eve", eve, "peer_closed", "closed by the client", None),
                login("k", k),
                logout("k", k, "kicked", "enough", Some(4321)),
            ]
        );
        assert_eq!((&events[7]["uid"], &events[7]["generation"]), (&json!("bob"), &json!(bob)));
    }
}

#[test]
fn a_server_that_stops_tells_the_last_logouts() {
    for runtime in RUNTIMES {
        let receiver = Receiver::start(&[Deed::Accept, Deed::Answer(500, "")]);
        let mut server = start(runtime, &receiver, &["--drain", "0.2", "--webhook-drain", "40"]);
        let users: Vec<_> = (0..20).map(|user| server.log_in(&user.to_string())).collect();
        let start = Instant::now();
        server.signal("TERM");
        for mut user in users {
            user.hears_close(1001);
        }
        assert_eq!(server.wait().code(), Some(0));
        // It does not wait for more.
        assert!(start.elapsed() < Duration::from_secs(30));
        let events = receiver.events(40);
        let shut_down = events.iter().filter(|event| event["reason"] == "shutdown");
        assert_eq!(shut_down.count(), 20);
    }
}

#[test]
fn a_server_that_stops_does_not_wait_for_the_next_attempt() {
    let receiver = Receiver::start(&[Deed::Answer(500, ""); 4]);
    let mut server = start(RUNTIMES[0], &receiver, &["--webhook-drain", "3"]);
    server.log_in("alice").leave();
    // The pause is 4 s at the least by now.
    eventually(|| metric(&server, "switchboard_webhook_failures_total"), |count| *count == 4);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    receiver.events(2);
}

/// Each attempt but the last fails, in another way.
#[test]
fn a_receiver_that_fails_misses_nothing() {
    for runtime in RUNTIMES {
        let receiver = Receiver::start(&[
            Deed::Answer(500, ""),
            Deed::BreakOff,
            Deed::Accept,
            Deed::TakeAndBreakOff,
            Deed::Accept,
            Deed::Answer(404, ""),
            Deed::Answer(429, "Retry-After: 1\r\n"),
        ]);
        let server = start(runtime, &receiver, &["--webhook-batch", "7"]);
        let mut last = 0;
        for round in 0..4 {
            for user in 0..10 {
                server.log_in(&format!("{round} {user}")).leave();
            }
            last += 20;
            receiver.wait(|requests| requests.len() > 2 * round);
        }
        let events = receiver.events(last);
        for (pair, user) in events.chunks(2).zip(0..) {
            let uid = format!("{} {}", user / 10, user % 10);
            assert_eq!((&pair[0]["type"], &pair[0]["uid"]), (&json!("login"), &json!(uid)));
            assert_eq!((&pair[1]["type"], &pair[1]["uid"]), (&json!("logout"), &json!(uid)));
            assert_eq!(pair[0]["generation"], pair[1]["generation"]);
        }
        let requests = receiver.wait(|_| true);
        check_ids(&requests);
        assert!(requests.iter().all(|request| events_of(request).len() <= 7));
        let counted = |name| metric(&server, &format!("switchboard_webhook_{name}"));
        eventually(|| counted("delivered_total"), |delivered| *delivered == last);
        assert_eq!(counted("failures_total"), 5);
        assert_eq!((counted("dropped_total"), counted("queue")), (0, 0));
    }
}

fn events_of(request: &Request) -> &Vec<Value> {
    request.body["events"].as_array().expect("a list")
}

/// An id stands for one body.
fn check_ids(requests: &[Request]) {
    let mut bodies = BTreeMap::new();
    for request in requests {
        let body = bodies.entry(&request.headers["webhook-id"]).or_insert(&request.raw);
        assert_eq!(*body, &request.raw);
    }
    let ids = bodies.len();
    let different: BTreeSet<_> = bodies.into_values().collect();
    assert_eq!(different.len(), ids);
}

#[test]
fn a_receiver_that_hangs_is_in_nobodys_way() {
    for runtime in RUNTIMES {
        let receiver = Receiver::start(&[Deed::Hang]);
        let server = start(runtime, &receiver, &[]);
        let [mut alice, mut bob] = ["alice", "bob"].map(|uid| server.log_in(uid));
        receiver.wait(|requests| !requests.is_empty());
        for message in 0..1000 {
            alice.say(&format!("bob:{message}"));
            bob.hears(&message.to_string());
        }
        server.log_in("eve").leave();
        // Nothing was accepted all the while.
        assert!(receiver.wait(|_| true).iter().all(|request| !request.is_taken));
        eventually(|| metric(&server, "switchboard_webhook_queue"), |waiting| *waiting == 4);
        receiver.go_on();
        let uids: Vec<Value> = receiver.events(4).iter().map(|e| e["uid"].clone()).collect();
        assert_eq!(uids, ["alice", "bob", "eve", "eve"]);
    }
}

#[test]
fn a_receiver_that_never_answers_is_asked_again() {
    let receiver = Receiver::start(&[Deed::Ignore]);
    let server = start(RUNTIMES[0], &receiver, &[]);
    let alice = server.log_in("alice");
    receiver.events(1);
    let requests = receiver.wait(|_| true);
    assert_eq!(requests.len(), 2);
    check_ids(&requests);
    drop(alice);
}

#[test]
fn a_receiver_that_is_away_learns_it_all_when_it_is_back() {
    for runtime in RUNTIMES {
        let mut receiver = Receiver::start(&[]);
        let server = start(runtime, &receiver, &["--webhook-batch", "10"]);
        let alice = server.log_in("alice");
        receiver.events(1);
        receiver.go_down();
        for user in 0..30 {
            server.log_in(&user.to_string()).leave();
        }
        eventually(|| metric(&server, "switchboard_webhook_failures_total"), |count| *count > 0);
        receiver.come_up();
        receiver.events(61);
        alice.leave();
        receiver.events(62);
    }
}

#[test]
fn what_does_not_fit_is_told_to_be_missing() {
    let receiver = Receiver::start(&[Deed::Hang]);
    let server = start_logging(
        "full",
        &receiver,
        &["--webhook-queue", "5", "--webhook-batch", "2", "--log-format", "json"],
    );
    let first = server.log_in("first");
    receiver.wait(|requests| !requests.is_empty());
    let users: Vec<_> = (0..10).map(|user| server.log_in(&user.to_string())).collect();
    let dropped = || metric(&server, "switchboard_webhook_dropped_total");
    eventually(dropped, |dropped| *dropped == 5);
    receiver.go_on();
    let events = receiver.events(11);
    let uids: Vec<&str> = events.iter().filter_map(|event| event["uid"].as_str()).collect();
    assert_eq!(uids, ["first", "5", "6", "7", "8", "9"]);
    let log = || fs::read_to_string(log_file("full")).expect("the server has written it");
    eventually(log, |log| log.contains("the webhook's queue is full: "));
    assert!(log().contains("the webhook was not accepted, and is tried again: "), "{}", log());
    drop((first, users));
}

#[test]
fn what_is_left_at_the_end_is_told_in_the_log() {
    for (test, hangs) in [("away", false), ("hanging", true)] {
        let mut receiver = Receiver::start(&[]);
        if hangs {
            receiver.hang();
        } else {
            receiver.go_down();
        }
        let mut server = start_logging(test, &receiver, &["--webhook-drain", "0.5"]);
        server.log_in("alice").leave();
        let waiting = || metric(&server, "switchboard_webhook_queue");
        eventually(waiting, |waiting| *waiting == 2);
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        let log = fs::read_to_string(log_file(test)).expect("the server has written it");
        assert!(log.contains("2 events were not delivered to the webhook"), "{log}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Receiver::start(&[]);
    let location = format!("Location: {}\r\n", elsewhere.url());
    let receiver = Receiver::start(&[Deed::Answer(307, location.leak())]);
    let server = start_logging("redirect", &receiver, &[]);
    let alice = server.log_in("alice");
    receiver.events(1);
    assert!(elsewhere.wait(|_| true).is_empty());
    let log = fs::read_to_string(log_file("redirect")).expect("the server has written it");
    assert!(log.contains("307") && log.contains("redirects are not followed"), "{log}");
    drop(alice);
}

#[test]
fn over_tls_whom_the_certificate_vouches_for() {
    for adapter in [Adapter::Smol, Adapter::Blocking] {
        let [certificate, other] = [Certificate::new(), Certificate::new()];
        let receiver = Receiver::start_tls(&certificate);
        let learns = |roots: &Certificate, drain| {
            let secret = "a secret of more than 24 bytes";
            let config = WebhookConfig {
                roots: Some(fs::read(roots.path()).expect("a file")),
                secrets: vec![Secret::new(secret).expect("a secret")],
                drain,
                ..WebhookConfig::new(format!("https://localhost:{}/", receiver.port()))
            };
            let webhooks = Arc::new(Webhooks::new(config).expect("a receiver"));
            let settings = Settings { observer: Some(webhooks.clone()), ..Settings::default() };
            let deliveries = Deliveries::start(webhooks).expect("a thread");
            let server = Server::start(adapter, settings);
            server.log_in("alice").leave();
            drop(server);
            deliveries.finish()
        };
        let second = Duration::from_secs(1);
        assert_eq!(learns(&other, second), 2);
        assert!(receiver.wait(|_| true).is_empty());
        assert_eq!(learns(&certificate, second * 30), 0);
        let requests = receiver.wait(|_| true);
        assert!(requests[0].headers["webhook-signature"].starts_with("v1,"));
    }
}

#[test]
fn what_is_wrong_with_the_options_is_said_in_a_line() {
    let good = file("webhook_secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n");
    let two =
        file("webhook_secrets", "0123456789 0123456789 0123456789\nanother of more than 24\n");
    let short = file("webhook_short", "short\n");
    let empty = file("webhook_empty", "\n");
    let url = ["--webhook-url", "http://localhost/"];
    for (arguments, complaint) in [
        (
            &["--webhook-url", "localhost:80"][..],
            "webhook-url localhost:80: expected a URL with http",
        ),
        (&["--webhook-url", "ftp://localhost/"], "webhook-url ftp://localhost/: expected a URL"),
        (&["--webhook-secret", &good], "webhook-secret is of no use without webhook-url"),
        (&["--webhook-ca", &good], "webhook-ca is of no use without webhook-url"),
        (
            &[url[0], url[1], "--webhook-secret", "/no/such"],
            "webhook-secret /no/such: No such file",
        ),
        (&[url[0], url[1], "--webhook-secret", &short], "the secret has 5 bytes; expected 24"),
        (&[url[0], url[1], "--webhook-secret", &two], "the secret has 23 bytes; expected 24"),
        (&[url[0], url[1], "--webhook-secret", &empty], "expected a secret"),
        (&[url[0], url[1], "--webhook-ca", &good], "no certificate; expected PEM"),
    ] {
        let output = Command::new("timeout")
            .args(["20", SERVER, "--listen", "127.0.0.1:0"])
            .args(arguments)
            .output()
            .expect("the server can be run");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("switchboard: ") && said.contains(complaint), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// One with the library of those who wrote the specification.
struct Stranger {
    node: Child,
    output: BufReader<ChildStdout>,
}

impl Stranger {
    fn start(secret: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut node = Command::new("node")
            .arg(folder.join("strangers/webhook.cjs"))
            .arg(secret)
            .env("NODE_PATH", folder.join("../target/strangers/node_modules"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}; tests/all installs what is missing"));
        let output = BufReader::new(node.stdout.take().expect("it is piped"));
        Self { node, output }
    }

    fn says(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // Fails if it has ended already.
        drop(self.node.kill());
        drop(self.node.wait());
    }
}

#[test]
fn a_receiver_that_others_wrote_verifies_the_signatures() {
    let [old, new] =
        ["a2V5IG51bWJlciAxIG9mIG1vcmUgdGhhbiAyNA==", "a2V5IG51bWJlciAyIG9mIG1vcmUgdGhhbiAyNA=="]
            .map(|base64| format!("whsec_{base64}"));
    let other = "whsec_a2V5IG51bWJlciAzIG9mIG1vcmUgdGhhbiAyNA==";
    let file = file("webhook_change", &format!("{old}\n\n{new}\n"));
    for runtime in RUNTIMES {
        for (secret, verdict) in [(&*old, "verified"), (&*new, "verified"), (other, "refused")] {
            let mut stranger = Stranger::start(secret);
            let url = format!("http://127.0.0.1:{}/", stranger.says());
            let arguments =
                ["--runtime", runtime, "--webhook-url", &url, "--webhook-secret", &file];
            let server = Process::start(SERVER, &arguments);
            // Each byte of the body counts, those that are no ASCII as well.
            let _client = server.log_in("bób");
            assert_eq!(stranger.says(), format!("{verdict} login bób"));
        }
    }
}
