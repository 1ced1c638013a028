//! Logging in with a credential: with tokens at the program itself, and with an embedder's check.

use std::{
    io::Write,
    process::Command,
    sync::{Mutex, mpsc},
    thread,
};

use switchboard::{
    Settings,
    authenticate::{Answer, Authenticate},
};
use switchboard_core::Denial;
use switchboard_tests::{Adapter, Client, Heard, Process, Server};
use tempfile::NamedTempFile;
use tungstenite::{client::IntoClientRequest, http::HeaderValue};

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// The secret that these were made with, by another program. Those that have not expired do so in
/// the year 2100.
const SECRET: &str = "0123456789abcdef0123456789abcdef\n";
const ALICE: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgw\
                     MH0.DvdDttFvdgTOXtC2L5P1zfs2bIMtiEwN3al4EAHYyf8";
const BOB: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJib2IiLCJleHAiOjQxMDI0NDQ4MDB9.\
                   022e1FjJvIwU9Vl8T-cNZhEWnUWy7Jn7N-NzZ3h0_C8";
const EXPIRED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6MTAwMDAwMDA\
                       wMH0.BbjicrU64ioQ1saTOwUN_j6abSt1uvdR2CiMbZd-P9Y";
const FORGED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgw\
                      MH0.FYHERobvpipGCMaH6lSjeSiQpNk_ijUo19gwmMulaTs";

fn secret(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a folder for temporary files");
    file.write_all(text.as_bytes()).expect("a file");
    file
}

#[test]
fn tokens() {
    let key = secret(SECRET);
    let key = key.path().to_str().expect("text");
    for runtime in ["smol", "blocking"] {
        let arguments = ["--runtime", runtime, "--auth", "token", "--token-key", key];
        let server = Process::start(SERVER, &arguments);
        let mut alice = Client::connect(server.address());
        alice.say("alice");
        alice.hears("error: the credential is not valid");
        alice.say(EXPIRED);
        alice.hears("error: the credential has expired");
        alice.say(FORGED);
        alice.hears("error: the credential is not valid");
        // What is sent right behind a credential waits for the verdict.
        alice.say(ALICE);
        alice.say("alice:that is me");
        alice.hears("login success, your uid is alice");
        alice.hears("that is me");

        let address = server.address();
        let url = format!("ws://{address}/");
        let mut request = url.as_str().into_client_request().expect("a URL");
        let bearer = HeaderValue::from_str(&format!("Bearer {BOB}")).expect("text");
        request.headers_mut().insert("Authorization", bearer);
        let mut bob = Client::connect_with(address, request);
        bob.hears("login success, your uid is bob");
        alice.say("bob:by header");
        bob.hears("by header");

        let url = format!("ws://{address}/?a=b&token={BOB}");
        let mut again = Client::connect_with(address, url.into_client_request().expect("a URL"));
        again.hears("login success, your uid is bob");
        bob.hears_close(4001);
    }
}

#[test]
fn without_authentication_a_credential_is_of_no_matter() {
    for runtime in ["smol", "blocking"] {
        let server = Process::start(SERVER, &["--runtime", runtime]);
        let url = format!("ws://{}/?token={ALICE}", server.address());
        let request = url.into_client_request().expect("a URL");
        let mut client = Client::connect_with(server.address(), request);
        client.say("mallory");
        client.hears("login success, your uid is mallory");
    }
}

/// Answers later, from another thread: `good NAME` is NAME's, `slow NAME` too when another comes,
/// and of `lost` nothing is ever heard.
#[derive(Debug)]
struct Later {
    questions: Mutex<mpsc::Sender<(String, Answer)>>,
}

impl Later {
    fn new() -> Self {
        let (questions, asked) = mpsc::channel::<(String, Answer)>();
        thread::spawn(move || {
            let mut slow = Vec::new();
            for (credential, answer) in asked {
                match credential.split_once(' ') {
                    Some(("good", uid)) => answer.accept(uid),
                    Some(("slow", uid)) => slow.push((uid.to_owned(), answer)),
                    Some(("go", _)) => {
                        slow.drain(..).for_each(|(uid, answer): (_, Answer)| answer.accept(&uid));
                        answer.deny(Denial::Forbidden);
                    }
                    _ => drop(answer),
                }
            }
        });
        Self { questions: Mutex::new(questions) }
    }
}

impl Authenticate for Later {
    fn authenticate(&self, credential: &str, answer: Answer) {
        let questions = self.questions.lock().expect("no panic");
        questions.send((credential.to_owned(), answer)).expect("somebody answers");
    }
}

#[test]
fn an_embedders_check_takes_its_time() {
    for adapter in [Adapter::Smol, Adapter::Blocking] {
        let authenticate = Some(std::sync::Arc::new(Later::new()) as _);
        let server = Server::start(adapter, Settings { authenticate, ..Settings::default() });
        let mut alice = server.connect();
        alice.say("good alice");
        alice.hears("login success, your uid is alice");

        let mut bob = server.connect();
        bob.say("slow bob");
        bob.say("alice:when I am in");
        let leaver = {
            let mut leaver = server.connect();
            leaver.say("slow leaver");
            leaver
        };
        drop(leaver);
        alice.say("bob:hi");
        alice.hears("error: bob is not online");
        let mut other = server.connect();
        other.say("go on");
        other.hears("error: access denied");
        bob.hears("login success, your uid is bob");
        alice.hears("when I am in");
        other.say("lost");
        other.hears("error: the credential cannot be checked, try again later");
        other.say("good all");
        other.hears("error: access denied");
        other.say("good other");
        other.hears("login success, your uid is other");
        assert_eq!(alice.answer_to("alice", "other:welcome"), None);
        assert_eq!(other.hear(), Heard::Text("welcome".into()));
    }
}

#[test]
fn settings_that_do_not_go_together() {
    let (short, good) = (secret("short"), secret(SECRET));
    let path = |file: &NamedTempFile| file.path().to_str().expect("text").to_owned();
    for (arguments, complaint) in [
        (vec!["--auth=token".to_owned()], "auth = \"token\" needs token-key, too"),
        (vec!["--token-key".into(), path(&good)], "token-key is of no use without auth"),
        (vec!["--token-audience=us".into()], "token-audience is of no use without auth"),
        (vec!["--token-issuer=us".into()], "token-issuer is of no use without auth"),
        (vec!["--auth=token".into(), "--token-key=/nowhere".into()], "token-key /nowhere: "),
        (vec!["--auth=token".into(), "--token-key".into(), path(&short)], "expected 32 or more"),
    ] {
        // It is ended if it serves instead.
        let mut command = Command::new("timeout");
        let output = command.args(["20", SERVER]).args(&arguments).output().expect("it can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(complaint), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
