//! Clients that this project did not write: Node's `ws`, Python's `websockets` and a browser.
//!
//! `tests/all` installs them. Each script logs in, prints what it hears, and answers as it is told.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use switchboard_tests::{Certificate, Process, eventually};

const RUNTIMES: [&str; 2] = ["smol", "blocking"];

#[derive(Clone, Copy, Debug)]
enum Stranger {
    Node,
    Python,
    Browser,
}

impl Stranger {
    /// Starts one that logs in with `uid` and has these replies, in JSON.
    fn start(self, server: &Process, uid: &str, replies: &str) -> Child {
        self.start_at(&format!("ws://{}/", server.address()), Path::new(""), uid, replies)
    }

    /// The same, believing a certificate.
    fn start_at(self, url: &str, certificate: &Path, uid: &str, replies: &str) -> Child {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let installed = folder.join("../target/strangers");
        let (program, script) = match self {
            Self::Node => ("node".into(), "stranger.cjs"),
            Self::Python => (installed.join("python/bin/python"), "stranger.py"),
            Self::Browser => ("node".into(), "browser.cjs"),
        };
        Command::new(&program)
            .arg(folder.join("strangers").join(script))
            .args([url, uid, replies])
            .env("NODE_PATH", installed.join("node_modules"))
            .env("NODE_EXTRA_CA_CERTS", certificate)
            .env("SSL_CERT_FILE", certificate)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; tests/all installs what is missing", program.display())
            })
    }
}

/// All that one has heard, once it has ended.
fn heard(stranger: Child) -> String {
    let output = stranger.wait_with_output().expect("a child can be waited for");
    let heard = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "it failed; it heard:\n{heard}");
    heard
}

/// Plays a scene with a stranger, on each runtime.
fn scene(stranger: Stranger) {
    for runtime in RUNTIMES {
        println!("{runtime}");
        let server = Process::start(env!("CARGO_BIN_EXE_server"), &["--runtime", runtime]);
        let mut friend = server.log_in("friend");
        let replies = r#"{
            "login success, your uid is stranger": "friend:here I am",
            "hi all": "nobody:x",
            "error: nobody is not online": "friend:over to you"
        }"#;
        let stranger = stranger.start(&server, "stranger", replies);
        friend.hears("here I am");
        friend.say("stranger:a:b");
        friend.say("all:hi all");
        friend.hears("hi all");
        friend.hears("over to you");
        let mut taker = server.log_in("stranger");
        friend.say("stranger:you are new");
        taker.hears("you are new");
        assert_eq!(
            heard(stranger),
            "login success, your uid is stranger\n\
             a:b\n\
             hi all\n\
             error: nobody is not online\n\
             closed 4001 replaced by a newer login\n"
        );
    }
}

#[test]
fn node_ws() {
    scene(Stranger::Node);
}

#[test]
fn python_websockets() {
    scene(Stranger::Python);
}

#[test]
fn browser() {
    scene(Stranger::Browser);
}

/// Two strangers have a talk by themselves; then one leaves, and the server stops under the other.
fn talk(alice: Stranger, bob: Stranger) {
    for runtime in RUNTIMES {
        println!("{runtime}: {alice:?} and {bob:?}");
        let mut server = Process::start(env!("CARGO_BIN_EXE_server"), &["--runtime", runtime]);
        let replies = r#"{"hello alice": "bob:hello bob", "hi all": "bob:goodbye"}"#;
        let alice = alice.start(&server, "alice", replies);
        let mut asker = server.log_in("asker");
        eventually(|| asker.answer_to("asker", "alice:are you there?"), Option::is_none);
        asker.leave();
        let replies = r#"{
            "login success, your uid is bob": "alice:hello alice",
            "hello bob": "all:hi all",
            "goodbye": null
        }"#;
        let bob = bob.start(&server, "bob", replies);
        let bob_heard = heard(bob);
        let (talked, closed) = bob_heard.split_at(bob_heard.find("closed").expect("its end"));
        assert_eq!(talked, "login success, your uid is bob\nhello bob\nhi all\ngoodbye\n");
        assert!(["closed 1000\n", "closed 1005\n"].contains(&closed), "{closed}");
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        assert_eq!(
            heard(alice),
            "login success, your uid is alice\n\
             are you there?\n\
             hello alice\n\
             hi all\n\
             closed 1001 the server is stopping\n"
        );
    }
}

#[test]
fn node_and_python() {
    talk(Stranger::Node, Stranger::Python);
}

#[test]
fn python_and_a_browser() {
    talk(Stranger::Python, Stranger::Browser);
}

/// Each talks to itself over TLS.
#[test]
fn over_tls() {
    for runtime in RUNTIMES {
        let certificate = Certificate::new();
        let mut arguments = vec!["--runtime", runtime];
        arguments.extend(certificate.arguments());
        let server = Process::start(env!("CARGO_BIN_EXE_server"), &arguments);
        let url = format!("wss://localhost:{}/", server.address().port());
        for stranger in [Stranger::Node, Stranger::Python, Stranger::Browser] {
            let replies = r#"{
                "login success, your uid is me": "me:to myself",
                "to myself": null
            }"#;
            let heard = heard(stranger.start_at(&url, certificate.path(), "me", replies));
            let talked = "login success, your uid is me\nto myself\nclosed ";
            assert!(heard.starts_with(talked), "{stranger:?}\n{heard}");
        }
    }
}
