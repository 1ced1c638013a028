//! The API on a hub in virtual time, without sockets.

use std::{sync::Mutex, time::Duration};

use http::{Method, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use switchboard_core::{
    ConnId, DuplicateUid, Hub, Input, Instant, Kick, Name, Problem, Session, Target,
};

use super::*;
use crate::wire::Text;

/// A hub with its clock, which stands still unless a test moves it.
struct World {
    hub: Mutex<(Hub<Text>, Instant)>,
    api: Api,
}

impl Control for World {
    fn push(&self, to: Target<'_>, message: Text) -> Result<usize, Problem> {
        let (hub, now) = &mut *self.hub.lock().unwrap();
        hub.push(*now, to, message)
    }

    fn kick(&self, uid: Name<'_>, kick: &Kick) -> usize {
        let (hub, now) = &mut *self.hub.lock().unwrap();
        hub.kick(*now, uid, kick)
    }

    fn users(&self, after: Option<&str>, limit: usize) -> Vec<(String, usize)> {
        let (hub, _) = &*self.hub.lock().unwrap();
        hub.users(after).take(limit).map(|u| (u.uid.to_owned(), u.connections)).collect()
    }

    fn sessions(&self, uid: Name<'_>) -> (Vec<Session>, Instant) {
        let (hub, now) = &*self.hub.lock().unwrap();
        let mut sessions: Vec<_> = hub.sessions(uid).collect();
        sessions.sort_by_key(|session| session.generation);
        (sessions, *now)
    }

    fn report(&self) -> Report {
        let (hub, now) = &*self.hub.lock().unwrap();
        Report {
            stats: hub.stats(),
            now: *now,
            is_lively: true,
            is_stopping: false,
            max_connections: hub.config().max_connections,
        }
    }
}

impl World {
    fn new() -> Self {
        Self::with(ApiConfig::default())
    }

    fn with(config: ApiConfig) -> Self {
        let hub = switchboard_core::Config {
            duplicate_uid: DuplicateUid::Share,
            ..switchboard_core::Config::default()
        };
        let hub = Hub::new(hub, 0, Instant::ZERO);
        let api = Api::new(config, &Settings::default(), Meters::default());
        Self { hub: Mutex::new((hub, Instant::ZERO)), api }
    }

    fn log_in(&self, uid: &str) -> ConnId {
        let (hub, now) = &mut *self.hub.lock().unwrap();
        let conn = hub.connect(*now, None).unwrap();
        let request = switchboard_core::Request::Login(Name::new(uid).unwrap());
        hub.handle(*now, Input::Request { conn, request, size: uid.len() });
        while hub.poll_frame(conn).is_some() {}
        conn
    }

    /// What there is to pull, as text.
    fn pull(&self, conn: ConnId) -> Vec<String> {
        let (hub, _) = &mut *self.hub.lock().unwrap();
        let frames = std::iter::from_fn(|| hub.poll_frame(conn));
        frames
            .map(|frame| match switchboard_core::text::print(frame) {
                switchboard_core::text::Printed::Payload(text) => {
                    tungstenite::Utf8Bytes::from(text).to_string()
                }
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn pass(&self, time: Duration) {
        let (_, now) = &mut *self.hub.lock().unwrap();
        *now = *now + time;
    }

    fn request(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
        let request = request.body(body.into()).unwrap();
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        let caller = Caller { address: Some([127, 0, 0, 1].into()), is_forwarded: false };
        let response = match self.api.admit(&head, &caller) {
            Ok(most) if request.body().len() > most => {
                return Answer { status: 413, body: Value::Null };
            }
            Ok(_) => self.api.call(&request, self),
            Err(refused) => *refused,
        };
        let body = serde_json::from_slice(response.body())
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(response.body()).into_owned()));
        Answer { status: response.status().as_u16(), body }
    }

    fn get(&self, path: &str) -> Answer {
        self.request(Request::get(path), "")
    }

    fn push_json(&self, body: &Value) -> Answer {
        let request = Request::post("/v1/push").header(CONTENT_TYPE, "application/json");
        self.request(request, body.to_string())
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    body: Value,
}

fn ok(body: Value) -> Answer {
    Answer { status: 200, body }
}

impl Answer {
    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

#[test]
fn a_push_tells_how_many_connections_took_it() {
    let world = World::new();
    let [bob, bob2, eve] = ["bob", "bob", "eve"].map(|uid| world.log_in(uid));
    let taken = |to: Value, connections: u64| json!({"to": to, "connections": connections});
    let absent = json!({"to": "carol", "connections": 0, "error": "carol is not online"});
    for (to, recipients) in [
        (json!("bob"), json!([taken(json!("bob"), 2)])),
        (json!({"user": "bob"}), json!([taken(json!("bob"), 2)])),
        (json!("all"), json!([taken(json!("all"), 3)])),
        (json!("carol"), json!([absent])),
        (
            json!(["eve", "carol", "bob"]),
            json!([taken(json!("eve"), 1), absent, taken(json!("bob"), 2)]),
        ),
        (
            json!({"group": "g"}),
            json!([{
                "to": {"group": "g"}, "connections": 0, "error": "nobody is in the group g",
            }]),
        ),
    ] {
        let answer = world.push_json(&json!({"to": to, "message": "hi"}));
        let error = &answer.body["recipients"][0]["error"];
        if to == json!({"group": "g"}) {
            assert!(error.is_string(), "{answer:?}");
        } else {
            assert_eq!(answer, ok(json!({"recipients": recipients})), "{to}");
        }
    }
    assert_eq!(world.pull(bob), ["hi"; 4]);
    assert_eq!(world.pull(bob2), ["hi"; 4]);
    assert_eq!(world.pull(eve), ["hi"; 2]);
}

#[test]
fn pushes_come_in_lists_and_in_order() {
    let world = World::new();
    let bob = world.log_in("bob");
    let answer = world.push_json(&json!([
        {"to": "bob", "message": "1"}, {"to": "all", "message": "2"}, {"to": "bob", "message": "3\n\u{1F600}"},
    ]));
    let one = |to: &str| json!({"recipients": [{"to": to, "connections": 1}]});
    assert_eq!(answer, ok(json!([one("bob"), one("all"), one("bob")])));
    assert_eq!(world.pull(bob), ["1", "2", "3\n\u{1F600}"]);
    assert_eq!(world.push_json(&json!([])), ok(json!([])));
    let many = |count: usize| world.push_json(&json!({"to": vec!["carol"; count], "message": "m"}));
    assert_eq!((many(1000).status, many(1001).status), (200, 400));
    assert_eq!(world.push_json(&json!([{"to": "bob", "message": "4"}])), ok(json!([one("bob")])));
}

#[test]
fn a_push_can_be_a_form_or_a_query() {
    let world = World::new();
    let bob = world.log_in("bob");
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let post = || Request::post("/v1/push").header(CONTENT_TYPE, form);
    let one = ok(json!({"recipients": [{"to": "bob", "connections": 1}]}));
    assert_eq!(world.request(post(), "to=bob&message=a+b%26c"), one);
    assert_eq!(world.request(Request::post("/v1/push?to=bob&content=d"), ""), one);
    assert_eq!(world.pull(bob), ["a b&c", "d"]);
    for bad in [
        "",
        "to=bob",
        "message=m",
        "to=bob&message=m&message=n",
        "to=bob&message=m&x=y",
        "to=a:b&message=m",
    ] {
        assert_eq!(world.request(post(), bad).status, 400, "{bad}");
    }
    assert_eq!(world.pull(bob), Vec::<String>::new());
}

#[test]
fn of_a_bad_push_nothing_is_pushed_and_what_is_wrong_is_said() {
    let world = World::new();
    let bob = world.log_in("bob");
    for (body, says) in [
        (json!({"to": "bob"}), "missing field `message`"),
        (json!({"message": "m"}), "missing field `to`"),
        (json!({"to": "bob", "message": 1}), "expected a"),
        (json!({"to": 1, "message": "m"}), r#"a uid, "all""#),
        (json!({"to": [], "message": "m"}), "to: expected at least one recipient"),
        (json!({"to": "a:b", "message": "m"}), "the uid contains a colon"),
        (json!({"to": "", "message": "m"}), "empty"),
        (json!({"to": {"user": "all"}, "message": "m"}), "all"),
        (json!({"to": {}, "message": "m"}), "expected a uid"),
        (json!({"to": {"usr": "bob"}, "message": "m"}), "unknown field `usr`"),
        (json!({"to": {"user": "bob", "group": "g"}, "message": "m"}), "not more"),
        (json!({"to": [["bob"]], "message": "m"}), "a uid"),
        (json!({"to": "bob", "message": "m", "ttl": 1}), "unknown field `ttl`"),
        (json!([{"to": "bob", "message": "m"}, {"to": "bob"}]), "missing field `message`"),
        (json!({"to": "bob", "message": "m".repeat((64 << 10) + 1)}), "message: expected at most"),
        (json!([{"to": "bob", "message": "m"}, {"to": [], "message": "m"}]), "push 1: to:"),
        (json!("bob"), "expected"),
        (json!(null), "expected"),
    ] {
        let answer = world.push_json(&body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.detail().contains(says), "{body}: {answer:?}");
    }
    let post = |content_type: &str| Request::post("/v1/push").header(CONTENT_TYPE, content_type);
    assert_eq!(world.request(post("application/json"), "{").status, 400);
    assert_eq!(world.request(post("application/json"), &b"\xff"[..]).status, 400);
    assert_eq!(world.request(post("text/plain"), "{}").status, 415);
    assert_eq!(world.request(Request::post("/v1/push"), "{}").status, 415);
    assert_eq!(world.request(post("application/json"), vec![b' '; (256 << 10) + 1]).status, 413);
    assert_eq!(world.pull(bob), Vec::<String>::new());
}

#[test]
fn a_push_with_a_key_counts_once() {
    let world = World::new();
    let bob = world.log_in("bob");
    let post = |key: &str| {
        Request::post("/v1/push")
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key)
    };
    let body = json!({"to": "bob", "message": "once"}).to_string();
    let first = world.request(post("k1"), body.clone());
    assert_eq!(first.status, 200);
    assert_eq!(world.request(post("k1"), body.clone()), first);
    assert_eq!(world.pull(bob), ["once"]);
    let other = json!({"to": "bob", "message": "other"}).to_string();
    assert_eq!(world.request(post("k1"), other.clone()).status, 422);
    assert_eq!(world.request(post("k2"), other).status, 200);
    for bad in ["", "a b", &"k".repeat(256)] {
        assert_eq!(world.request(post(bad), body.clone()).status, 400, "{bad}");
    }
    // What was refused can be put right and tried again.
    assert_eq!(world.request(post("k3"), "{").status, 400);
    assert_eq!(world.request(post("k3"), body.clone()).status, 200);
    assert_eq!(world.pull(bob), ["other", "once"]);
    world.pass(Duration::from_secs(600));
    assert_eq!(world.request(post("k1"), body), first);
    assert_eq!(world.pull(bob), ["once"]);
}

#[test]
fn who_is_online_is_listed_in_pages() {
    let world = World::new();
    assert_eq!(world.get("/v1/users"), ok(json!({"users": [], "next": null})));
    for uid in ["carol", "böb", "alice", "böb", "a b&c"] {
        world.log_in(uid);
    }
    let user = |uid: &str, connections: u64| json!({"uid": uid, "connections": connections});
    let all = [user("a b&c", 1), user("alice", 1), user("böb", 2), user("carol", 1)];
    assert_eq!(world.get("/v1/users"), ok(json!({"users": all, "next": null})));
    let page = world.get("/v1/users?limit=1");
    assert_eq!(page, ok(json!({"users": [all[0]], "next": "a b&c"})));
    let page = world.get("/v1/users?limit=2&cursor=a+b%26c");
    assert_eq!(page, ok(json!({"users": all[1..3], "next": "böb"})));
    let page = world.get("/v1/users?limit=2&cursor=b%C3%B6b");
    assert_eq!(page, ok(json!({"users": [all[3]], "next": null})));
    for bad in ["limit=0", "limit=1001", "limit=x", "limit=", "page=2", "limit=1&limit=2"] {
        assert_eq!(world.get(&format!("/v1/users?{bad}")).status, 400, "{bad}");
    }
}

#[test]
fn a_user_is_told_of_and_can_be_closed() {
    let world = World::new();
    assert_eq!(world.get("/v1/users/bob").status, 404);
    let older = world.log_in("bob");
    world.pass(Duration::from_secs(2));
    let newer = world.log_in("bob");
    world.pass(Duration::from_secs(3));
    let connection = |generation: u64, seconds: f64| json!({"generation": generation, "online_seconds": seconds, "idle_seconds": seconds});
    let online = json!({"uid": "bob", "connections": [connection(1, 5.0), connection(2, 3.0)]});
    assert_eq!(world.get("/v1/users/bob"), ok(online));
    let delete = |path: &str| world.request(Request::delete(path), "");
    for bad in ["code=1", "code=x", "code=1001", "code=", "why=x"] {
        assert_eq!(delete(&format!("/v1/users/bob?{bad}")).status, 400, "{bad}");
    }
    let long = format!("/v1/users/bob?reason={}", "r".repeat(124));
    assert_eq!(delete(&long).status, 400);
    let kicked = ok(json!({"uid": "bob", "closed": 2}));
    assert_eq!(delete("/v1/users/bob?code=4321&reason=enough+of+it"), kicked);
    for conn in [older, newer] {
        let [close] = &world.pull(conn)[..] else { panic!("expected a close") };
        assert!(close.contains("4321") && close.contains("enough of it"), "{close}");
    }
    assert_eq!(delete("/v1/users/bob").status, 404);
    assert_eq!(world.get("/v1/users/bob").detail(), "bob is not online");
}

#[test]
fn every_route_has_its_methods_and_its_key() {
    let open = World::new();
    let mut keys = ApiKeys::default();
    keys.add("a-key-for-testing").unwrap();
    let locked = World::with(ApiConfig { keys, ..ApiConfig::default() });
    let methods =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
    for (path, allowed, is_public) in [
        ("/v1/push", "POST", false),
        ("/v1/users", "GET, HEAD", false),
        ("/v1/users/bob", "GET, HEAD, DELETE", false),
        ("/v1/stats", "GET, HEAD", false),
        ("/metrics", "GET, HEAD", false),
        ("/v1/openapi.json", "GET, HEAD", true),
        ("/healthz", "GET, HEAD", true),
        ("/readyz", "GET, HEAD", true),
        ("/", "GET, HEAD", true),
        ("/page/app.js", "GET, HEAD", true),
    ] {
        for world in [&open, &locked] {
            world.log_in("bob");
        }
        for method in &methods {
            let request = || Request::builder().method(method).uri(path);
            let is_allowed = allowed.split(", ").any(|allowed| allowed == method.as_str());
            let answer = open.request(request(), "");
            let is_answered = answer.status == 200 || (path, answer.status) == ("/v1/push", 400);
            assert_eq!(is_answered, is_allowed, "{method} {path}: {answer:?}");
            assert!(is_allowed || answer.status == 405, "{method} {path}: {answer:?}");
            let without_key = locked.request(request(), "").status;
            let with_key = request().header("Authorization", "Bearer a-key-for-testing");
            assert_eq!(without_key == 401, is_allowed && !is_public, "{method} {path}");
            let with_key = locked.request(with_key, "").status;
            assert_eq!(with_key, answer.status, "{method} {path}");
        }
    }
    assert_eq!(open.get("/v1").status, 404);
    assert_eq!(open.get("/v1/stats?x=y").status, 400);
}

#[test]
fn metrics_and_stats_agree_with_what_happened() {
    let world = World::new();
    let bob = world.log_in("bob");
    world.push_json(&json!({"to": "all", "message": "hello"}));
    world.pass(Duration::from_secs(7));
    let stats = world.get("/v1/stats").body;
    assert_eq!(stats["messages"], json!({"accepted": 1, "delivered": 0, "missed": 0}));
    assert_eq!(stats["uptime_seconds"], 7.0);
    world.pull(bob);
    world.request(Request::delete("/v1/users/bob"), "");
    let stats = world.get("/v1/stats").body;
    assert_eq!(stats["closed"]["kicked"], 1);
    assert_eq!((&stats["payload_bytes"], &stats["users"]), (&json!(0), &json!(0)));
    let metrics = world.get("/metrics").body;
    let metrics = metrics.as_str().unwrap();
    for line in [
        "switchboard_uptime_seconds 7.0",
        "switchboard_messages_accepted_total 1",
        "switchboard_messages_delivered_total 1",
        "switchboard_received_bytes_total 8",
        "switchboard_delivered_bytes_total 5",
        r#"switchboard_closes_total{reason="kicked"} 1"#,
        r#"switchboard_http_requests_total{route="stats",code="200"} 2"#,
        "switchboard_hub_step_seconds_count 0",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn health_is_what_the_hub_reports() {
    let world = World::new();
    let report = world.report();
    let status = |answer: Result<Response<Bytes>, Refusal>| {
        answer.map_or_else(|refusal| refusal.status(), |response| response.status())
    };
    let unwell = Report { is_lively: false, ..report };
    let stopping = Report { is_stopping: true, ..report };
    let full = Report { max_connections: 0, ..report };
    let (ok, no) = (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE);
    for (report, healthy, ready) in
        [(report, ok, ok), (unwell, no, no), (stopping, ok, no), (full, ok, no)]
    {
        assert_eq!(status(health::healthy(&report)), healthy, "{report:?}");
        assert_eq!(status(health::ready(&report)), ready, "{report:?}");
    }
}
