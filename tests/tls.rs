//! TLS at the program itself, and its certificate replaced while clients are connected.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring,
    pki_types::CertificateDer,
};
use switchboard_tests::{Certificate, Process, eventually};
use tungstenite::{Message, WebSocket, client};

const RUNTIMES: [&str; 2] = ["smol", "blocking"];

type Socket = WebSocket<StreamOwned<ClientConnection, TcpStream>>;

fn server(runtime: &str, certificate: &Certificate) -> Process {
    let mut arguments = vec!["--runtime", runtime];
    arguments.extend(certificate.arguments());
    Process::start(env!("CARGO_BIN_EXE_server"), &arguments)
}

/// A client that believes this certificate, and no other.
fn connect(server: &Process, certificate: &[u8]) -> Result<Socket, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate)).expect("a certificate");
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = TcpStream::connect(server.address()).expect("the server accepts");
    let stream = StreamOwned::new(connection, stream);
    client("wss://localhost/", stream).map(|(socket, _)| socket).map_err(|error| error.to_string())
}

fn says(socket: &mut Socket, text: &str) -> String {
    socket.send(Message::text(text)).expect("the server reads");
    socket.read().expect("an answer").to_text().expect("text").to_owned()
}

#[test]
fn a_certificate_is_replaced_and_nobody_notices() {
    for runtime in RUNTIMES {
        let mut certificate = Certificate::new();
        let server = server(runtime, &certificate);
        let before = certificate.der().to_vec();
        let mut alice = connect(&server, &before).expect("the certificate is in use");
        assert_eq!(says(&mut alice, "alice"), "login success, your uid is alice");
        certificate.renew();
        server.signal("HUP");
        let mut bob = None;
        eventually(
            || {
                bob = connect(&server, certificate.der()).ok();
                bob.is_some()
            },
            |&connected| connected,
        );
        let mut bob = bob.expect("it is connected");
        assert_eq!(says(&mut bob, "bob"), "login success, your uid is bob");
        assert!(connect(&server, &before).is_err(), "the old certificate is still in use");
        assert_eq!(says(&mut alice, "alice:still here"), "still here");

        // One that is of no use changes nothing.
        std::fs::write(certificate.path(), "no certificate").expect("a file");
        server.signal("HUP");
        assert!(connect(&server, certificate.der()).is_ok());
        assert_eq!(says(&mut alice, "alice:still here"), "still here");
    }
}

/// Large messages take several records, and both directions at once.
#[test]
fn large_messages() {
    for runtime in RUNTIMES {
        let certificate = Certificate::new();
        let server = server(runtime, &certificate);
        let mut alice = connect(&server, certificate.der()).expect("a client");
        assert_eq!(says(&mut alice, "alice"), "login success, your uid is alice");
        for size in [1, 100, 16_000, 17_000, 65_000] {
            let text = "x".repeat(size);
            assert_eq!(says(&mut alice, &format!("alice:{text}")), text);
        }
    }
}

/// Who says that nothing follows is gone, even if its socket remains open.
#[test]
fn close_notify() {
    for runtime in RUNTIMES {
        let certificate = Certificate::new();
        let server = server(runtime, &certificate);
        let mut alice = connect(&server, certificate.der()).expect("a client");
        assert_eq!(says(&mut alice, "alice"), "login success, your uid is alice");
        let mut bob = connect(&server, certificate.der()).expect("a client");
        assert_eq!(says(&mut bob, "bob"), "login success, your uid is bob");
        let StreamOwned { conn, sock } = alice.get_mut();
        conn.send_close_notify();
        conn.write_tls(sock).expect("the server reads");
        // Sooner than it would be found silent.
        sock.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout above zero");
        sock.read_to_end(&mut Vec::new()).expect("the server closes");
        assert_eq!(says(&mut bob, "alice:hi"), "error: alice is not online");
    }
}

/// With a client that we did not write: what is agreed on, and an end in good order.
#[test]
fn openssl() {
    for runtime in RUNTIMES {
        let certificate = Certificate::new();
        let server = server(runtime, &certificate);
        for version in ["-tls1_2", "-tls1_3"] {
            let mut openssl = Command::new("openssl")
                .args(["s_client", version, "-alpn", "h2,http/1.1", "-servername", "localhost"])
                .args(["-verify_return_error", "-ign_eof", "-CAfile"])
                .arg(certificate.path())
                .args(["-connect", &server.address().to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("tests/all installs it");
            let mut stdin = openssl.stdin.take().expect("it is piped");
            stdin
                .write_all(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .expect("it reads");
            let output = openssl.wait_with_output().expect("it ends when the server closes");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{said}");
            for expected in
                ["ALPN protocol: http/1.1", "Verify return code: 0 (ok)", "HTTP/1.1 404 "]
            {
                assert!(said.contains(expected), "{expected}\n{said}");
            }
        }
    }
}

#[test]
fn files_that_are_of_no_use() {
    let certificate = Certificate::new();
    let other = Certificate::new();
    let [_, cert, _, key] = certificate.arguments().collect::<Vec<_>>()[..] else { panic!() };
    let other_key = other.arguments().last().expect("a key");
    for (arguments, complaint) in [
        (vec!["--tls-cert", cert], "tls-cert needs tls-key, too"),
        (vec!["--tls-key", key], "tls-key needs tls-cert, too"),
        (vec!["--tls-cert", "/nowhere", "--tls-key", key], "/nowhere"),
        (vec!["--tls-cert", key, "--tls-key", key], key),
        (vec!["--tls-cert", cert, "--tls-key", cert], cert),
        (vec!["--tls-cert", cert, "--tls-key", other_key], other_key),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_server"))
            .args(&arguments)
            .output()
            .expect("the server can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        println!("{said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("switchboard: ") && said.contains(complaint), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// A name that is none, which any client can send as often as it likes, is none of the log's business.
#[test]
fn what_strangers_send_does_not_fill_the_log() {
    let certificate = Certificate::new();
    for runtime in RUNTIMES {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let program = env!("CARGO_BIN_EXE_server");
        let script = format!("exec {program} \"$@\" 2>'{}'", log.path().display());
        let mut arguments = vec!["-c", &script, "sh", "--runtime", runtime];
        arguments.extend(certificate.arguments());
        let mut server = Process::start("sh", &arguments);
        let connect = server.address().to_string();
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-connect", &connect, "-servername", "127.0.0.1"]);
        openssl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(openssl.status().is_ok(), "tests/all installs what is missing");
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        let log = std::fs::read_to_string(log.path()).expect("text");
        assert!(log.contains("switchboard::cli") && !log.contains("WARN"), "{log}");
    }
}
