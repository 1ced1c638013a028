//! TLS that is none, or stops halfway.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use switchboard_tests::Process;

use crate::{
    lively::Stream,
    scene::{Scene, socket},
};

/// A certificate, where it lies, and a client that trusts it.
struct Pair {
    cert: PathBuf,
    key: PathBuf,
    client: Arc<ClientConfig>,
}

fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attacks");
        fs::create_dir_all(&folder).expect("the folder of tests can be written");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        fs::write(&cert, made.cert.pem()).expect("a file");
        fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a certificate");
        let provider = rustls::crypto::ring::default_provider();
        let client = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Pair { cert, key, client: client.into() }
    })
}

fn connection() -> ClientConnection {
    let name = "localhost".try_into().expect("a name");
    ClientConnection::new(Arc::clone(&pair().client), name).expect("a client")
}

fn client_hello() -> Vec<u8> {
    let mut hello = Vec::new();
    connection().write_tls(&mut hello).expect("memory");
    hello
}

fn connect_sealed(server: &Process) -> Box<dyn Stream> {
    Box::new(StreamOwned::new(connection(), socket(server)))
}

/// Reads to the end, or to the reset that is as good.
fn read_to_end(mut socket: &TcpStream) {
    if let Err(error) = socket.read_to_end(&mut Vec::new()) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

/// Beginnings of which none becomes a connection; they are cut at once or when the login time is
/// over.
fn beginnings() -> Vec<Vec<u8>> {
    let hello = client_hello();
    let mut beginnings: Vec<Vec<u8>> = Vec::new();
    // Halves of every size.
    for number in 0..200 {
        beginnings.push(hello[..(hello.len() - 1) * number / 200].to_vec());
    }
    // A linear congruential generator: garbage that is the same in each run.
    let mut state: u64 = 1;
    let mut garbage = |size: usize| -> Vec<u8> {
        let byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(byte).take(size).collect()
    };
    for size in 1..50 {
        beginnings.push(garbage(size * 40));
        // Garbage in a record of a handshake, garbage after a hello, a hello with one wrong byte.
        let record = garbage(size * 40);
        let length = u16::try_from(record.len()).expect("it fits").to_be_bytes();
        beginnings.push([&[0x16, 0x03, 0x01], &length[..], &record].concat());
        beginnings.push([hello.clone(), garbage(300)].concat());
        let mut wrong = hello.clone();
        wrong[hello.len() * size / 50] ^= 0x55;
        beginnings.push(wrong);
        // An alert, data before the handshake, a record that promises too much.
        beginnings.push(vec![0x15, 0x03, 0x03, 0, 2, 2, 40]);
        beginnings.push(vec![0x17, 0x03, 0x03, 0, 1, 0]);
        beginnings.push(vec![0x16, 0x03, 0x01, 0xff, 0xff, 1, 2, 3]);
        beginnings.push(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n".to_vec());
    }
    beginnings
}

fn begin_and_stop(server: &Process) {
    let beginnings = beginnings();
    let sockets: Vec<TcpStream> = beginnings
        .iter()
        .map(|beginning| {
            let mut socket = socket(server);
            // It may be cut before it has said all.
            drop(socket.write_all(beginning));
            socket
        })
        .collect();
    for socket in &sockets {
        read_to_end(socket);
    }
}

#[test]
fn garbage_at_a_tls_listener() {
    let path = |path: &'static PathBuf| path.to_str().expect("text");
    let Pair { cert, key, .. } = pair();
    Scene {
        name: "592 TLS connections that are none or stop halfway",
        arguments: &["--login-timeout", "2", "--tls-cert", path(cert), "--tls-key", path(key)],
        during_mib: [24, 96],
        after_mib: [24, 32],
        connect: connect_sealed,
        ..Scene::default()
    }
    .play(|server, _| begin_and_stop(server));
}

#[test]
fn tls_at_a_plain_listener() {
    Scene {
        name: "592 TLS connections, whole or not, at a plain listener",
        arguments: &["--login-timeout", "2"],
        during_mib: [16, 64],
        after_mib: [16, 32],
        ..Scene::default()
    }
    .play(|server, _| begin_and_stop(server));
}
