use std::io::{Read, Write};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore,
    ServerConnection, SupportedProtocolVersion,
};
use tempfile::TempDir;

use super::*;

fn self_signed() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// A folder with `cert.pem` and `key.pem`.
struct Files(TempDir);

impl Files {
    fn new(of: &CertifiedKey<KeyPair>) -> Self {
        let files = Self(TempDir::new().unwrap());
        files.put(of);
        files
    }

    fn put(&self, of: &CertifiedKey<KeyPair>) {
        self.write("cert.pem", of.cert.pem());
        self.write("key.pem", of.signing_key.serialize_pem());
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(self.path("cert.pem"), self.path("key.pem"))
    }

    /// What is wrong, with the folder's name left out.
    fn error(&self) -> String {
        let error = self.load().unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn client(
    trusts: &CertifiedKey<KeyPair>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusts.cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), ALPN.to_vec()];
    Arc::new(config)
}

/// Two ends of a connection, with memory between them.
struct Pair {
    client: ClientConnection,
    server: ServerConnection,
}

impl Pair {
    fn connect(config: &Arc<ClientConfig>, tls: &Tls) -> Result<Self, Error> {
        let client = ClientConnection::new(config.clone(), "localhost".try_into().unwrap())?;
        let mut pair = Self { client, server: ServerConnection::new(tls.current())? };
        pair.exchange()?;
        assert!(!pair.client.is_handshaking() && !pair.server.is_handshaking());
        Ok(pair)
    }

    /// Carries bytes until neither end has more.
    fn exchange(&mut self) -> Result<(), Error> {
        while self.client.wants_write() || self.server.wants_write() {
            let mut bytes = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut bytes).unwrap();
            }
            let mut left = bytes.as_slice();
            while !left.is_empty() {
                self.server.read_tls(&mut left).unwrap();
                self.server.process_new_packets()?;
            }
            let mut bytes = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut bytes).unwrap();
            }
            let mut left = bytes.as_slice();
            while !left.is_empty() {
                self.client.read_tls(&mut left).unwrap();
                self.client.process_new_packets()?;
            }
        }
        Ok(())
    }

    fn echo(&mut self) {
        let mut buffer = [0; 5];
        self.client.writer().write_all(b"hello").unwrap();
        self.exchange().unwrap();
        self.server.reader().read_exact(&mut buffer).unwrap();
        self.server.writer().write_all(&buffer).unwrap();
        self.exchange().unwrap();
        self.client.reader().read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"hello");
    }
}

#[test]
fn both_versions_speak_http_1_1() {
    let of = self_signed();
    let tls = Files::new(&of).load().unwrap();
    for (version, name) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)]
    {
        let mut pair = Pair::connect(&client(&of, version), &tls).unwrap();
        assert_eq!(pair.client.protocol_version(), Some(name));
        assert_eq!(pair.client.alpn_protocol(), Some(ALPN));
        assert_eq!(pair.server.alpn_protocol(), Some(ALPN));
        pair.echo();
    }
}

#[test]
fn who_speaks_only_http_2_is_refused() {
    let of = self_signed();
    let tls = Files::new(&of).load().unwrap();
    let mut config = Arc::unwrap_or_clone(client(&of, &TLS13));
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert!(matches!(
        Pair::connect(&Arc::new(config.clone()), &tls),
        Err(Error::NoApplicationProtocol)
    ));
    // Who speaks of none is welcome.
    config.alpn_protocols.clear();
    Pair::connect(&Arc::new(config), &tls).unwrap().echo();
}

#[test]
fn sessions_resume_until_the_certificate_changes() {
    for version in [&TLS13, &TLS12] {
        let of = self_signed();
        let files = Files::new(&of);
        let tls = files.load().unwrap();
        let config = client(&of, version);
        let kind = || Pair::connect(&config, &tls).unwrap().server.handshake_kind();
        assert_eq!(kind(), Some(HandshakeKind::Full));
        assert_eq!(kind(), Some(HandshakeKind::Resumed));
        assert_eq!(kind(), Some(HandshakeKind::Resumed));
        tls.reload().unwrap();
        assert_eq!(kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn a_new_certificate_is_for_new_connections() {
    let (old, new) = (self_signed(), self_signed());
    let files = Files::new(&old);
    let tls = files.load().unwrap();
    let (old_client, new_client) = (client(&old, &TLS13), client(&new, &TLS13));
    let mut before = Pair::connect(&old_client, &tls).unwrap();
    assert!(Pair::connect(&new_client, &tls).is_err());

    files.put(&new);
    let clone = tls.clone();
    clone.reload().unwrap();
    Pair::connect(&new_client, &tls).unwrap().echo();
    // Not even with a ticket.
    assert!(Pair::connect(&old_client, &tls).is_err());
    before.echo();
}

#[test]
fn what_cannot_be_read_again_changes_nothing() {
    let (old, new) = (self_signed(), self_signed());
    let files = Files::new(&old);
    let tls = files.load().unwrap();
    files.write("cert.pem", new.cert.pem());
    let error = tls.reload().unwrap_err();
    assert_eq!(error.path(), files.path("key.pem"));
    assert!(error.to_string().contains("does not fit"), "{error}");
    Pair::connect(&client(&old, &TLS13), &tls).unwrap().echo();
    fs::remove_file(files.path("cert.pem")).unwrap();
    assert_eq!(tls.reload().unwrap_err().path(), files.path("cert.pem"));
    Pair::connect(&client(&old, &TLS13), &tls).unwrap().echo();
}

#[test]
fn kinds_of_files() {
    let of = self_signed();
    let files = Files::new(&of);
    // SEC1 is what is inside PKCS#8.
    let der = of.signing_key.serialized_der();
    let start = der.windows(5).position(|bytes| bytes == [2, 1, 1, 4, 32]).unwrap() - 2;
    files.write("key.pem", pem("EC PRIVATE KEY", &der[start..]));
    files.load().unwrap();
    // A chain, Windows' line breaks, comments.
    let chain = format!("# of localhost\n{}{}", of.cert.pem(), self_signed().cert.pem());
    files.write("cert.pem", chain.replace("\r\n", "\n").replace('\n', "\r\n"));
    files.load().unwrap();
    // Both in one file.
    let both = format!("{}{}", of.signing_key.serialize_pem(), of.cert.pem());
    files.write("both.pem", both);
    Tls::load(files.path("both.pem"), files.path("both.pem")).unwrap();
}

fn pem(label: &str, der: &[u8]) -> String {
    ::pem::encode(&::pem::Pem::new(label, der))
}

#[test]
fn errors_say_what_to_do() {
    let of = self_signed();
    let (cert, key) = (of.cert.pem(), of.signing_key.serialize_pem());
    let cut = |pem: &str| pem[..pem.len() / 2].to_owned();
    let garbled =
        |pem: &str| pem.replacen("-----\nM", "-----\n*", 1).replacen("-----\r\nM", "-----\r\n*", 1);
    for (name, content, expected) in [
        ("cert.pem", String::new(), "'cert.pem' contains no certificate; expected PEM"),
        ("cert.pem", "hello".to_owned(), "'cert.pem' contains no certificate; expected PEM"),
        ("cert.pem", key.clone(), "'cert.pem' contains no certificate; expected PEM"),
        ("cert.pem", cut(&cert), "'cert.pem' is not valid PEM: an END line is missing; copy"),
        ("cert.pem", garbled(&cert), "'cert.pem' is not valid PEM: the base64 is broken; copy"),
        ("cert.pem", pem("CERTIFICATE", b"?"), "the certificate in 'cert.pem' cannot be used: "),
        (
            "cert.pem",
            cert.replacen("CERTIFICATE-----", "CERTIFICATE--", 1),
            "'cert.pem' is not valid PEM: a BEGIN line is broken; copy",
        ),
        ("key.pem", String::new(), "'key.pem' contains no private key; expected PEM with"),
        ("key.pem", cert.clone(), "'key.pem' contains no private key; expected PEM with"),
        (
            "key.pem",
            key.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            "'key.pem' contains no private key; expected PEM with",
        ),
        ("key.pem", cut(&key), "'key.pem' is not valid PEM: an END line is missing; copy"),
        ("key.pem", garbled(&key), "'key.pem' is not valid PEM: the base64 is broken; copy"),
        ("key.pem", pem("PRIVATE KEY", b"?"), "the private key in 'key.pem' cannot be used: "),
        ("key.pem", pem("RSA PRIVATE KEY", b"?"), "the private key in 'key.pem' cannot be used: "),
        (
            "key.pem",
            self_signed().signing_key.serialize_pem(),
            "the private key in 'key.pem' does not fit the certificate in 'cert.pem'; use",
        ),
    ] {
        let files = Files::new(&of);
        files.write(name, content);
        let error = files.error();
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
    for name in ["cert.pem", "key.pem"] {
        let files = Files::new(&of);
        fs::remove_file(files.path(name)).unwrap();
        let missing = format!("cannot read '{name}': no such file; check the path");
        assert_eq!(files.error(), missing);
        fs::create_dir(files.path(name)).unwrap();
        assert!(files.error().starts_with(&format!("cannot read '{name}': ")));
    }
    let denied = TlsError {
        path: "key.pem".into(),
        problem: Problem::Unreadable(io::ErrorKind::PermissionDenied.into()),
    };
    assert!(denied.to_string().starts_with("cannot read 'key.pem': permission denied; let"));
}
