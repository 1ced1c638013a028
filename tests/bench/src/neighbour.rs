//! Clients in memory: each passes every message that it hears on to its neighbour.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    mem,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, pki_types::CertificateDer, pki_types::ServerName,
};

use crate::memory::{Client, frame};

const TEXT: usize = 64;

/// What the server writes for a message.
const WRITTEN: usize = 2 + TEXT;

/// What TLS 1.3 adds to the plain text of a record (RFC 8446, 5.2): its type and a tag.
const RECORD_TAIL: usize = 17;

/// A client, and the stream to it.
pub(crate) struct Neighbour {
    /// What it has sent, and the server has not read yet.
    sent: VecDeque<u8>,
    message: Vec<u8>,
    tls: Option<Tls>,
    heard: usize,
}

/// Messages are sealed before time is taken, and what comes is counted, not opened: only the server's
/// work is measured.
struct Tls {
    client: ClientConnection,
    /// The server's records, up to the first that is not whole.
    incoming: Vec<u8>,
    stage: Stage,
}

enum Stage {
    LogIn { says: Vec<u8> },
    Talk { sealed: VecDeque<u8>, each: usize, written: usize },
}

impl Neighbour {
    pub(crate) fn new(user: usize, to: usize, tls: Option<&Arc<ClientConfig>>) -> Self {
        let mut says = b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .to_vec();
        says.extend(frame(&format!("user {user}")));
        let message = frame(&format!("user {to}:{}", "x".repeat(TEXT)));
        let mut sent = VecDeque::new();
        let tls = match tls {
            None => {
                sent.extend(says);
                None
            }
            Some(config) => {
                let name = ServerName::try_from("localhost").expect("a name");
                let mut client = ClientConnection::new(Arc::clone(config), name).expect("a client");
                client.write_tls(&mut sent).expect("memory");
                let stage = Stage::LogIn { says };
                Some(Tls { client, incoming: Vec::new(), stage })
            }
        };
        Self { sent, message, tls, heard: 0 }
    }

    /// Everybody is logged in. It has so many messages to say.
    pub(crate) fn begin(&mut self, messages: usize) {
        self.heard = 0;
        if let Some(tls) = &mut self.tls {
            let mut sealed = VecDeque::new();
            for _ in 0..messages {
                tls.client.writer().write_all(&self.message).expect("room");
                tls.client.write_tls(&mut sealed).expect("memory");
            }
            let each = sealed.len() / messages;
            tls.stage = Stage::Talk { sealed, each, written: 0 };
        }
    }

    pub(crate) fn say(&mut self) {
        match &mut self.tls {
            None => self.sent.extend(&self.message),
            Some(Tls { stage: Stage::Talk { sealed, each, .. }, .. }) => {
                assert!(!sealed.is_empty(), "more messages have to be sealed before");
                self.sent.extend(sealed.drain(..*each));
            }
            Some(_) => unreachable!("it has begun"),
        }
    }

    fn hear(&mut self, messages: usize) {
        self.heard += messages;
        for _ in 0..messages {
            self.say();
        }
    }
}

impl Client for Neighbour {
    fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    fn take_heard(&mut self) -> usize {
        mem::take(&mut self.heard)
    }
}

impl Tls {
    /// Returns how many messages came with it.
    fn receive(&mut self, bytes: &[u8], sent: &mut VecDeque<u8>) -> io::Result<usize> {
        let (says, written) = match &mut self.stage {
            Stage::LogIn { says } => (says, None),
            Stage::Talk { written, .. } => (&mut Vec::new(), Some(written)),
        };
        if let Some(written) = written {
            self.incoming.extend_from_slice(bytes);
            let mut rest = &self.incoming[..];
            while let [_, _, _, high, low, behind @ ..] = rest {
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                let Some((_, behind)) = behind.split_at_checked(size) else { break };
                *written += size - RECORD_TAIL;
                rest = behind;
            }
            let used = self.incoming.len() - rest.len();
            self.incoming.drain(..used);
            let messages = *written / WRITTEN;
            *written %= WRITTEN;
            return Ok(messages);
        }
        let mut bytes = bytes;
        while !bytes.is_empty() {
            self.client.read_tls(&mut bytes)?;
            let state = self.client.process_new_packets().map_err(io::Error::other)?;
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            self.client.reader().read_exact(&mut plain)?;
        }
        if !self.client.is_handshaking() && !says.is_empty() {
            self.client.writer().write_all(says)?;
            says.clear();
        }
        while self.client.wants_write() {
            self.client.write_tls(sent)?;
        }
        Ok(0)
    }
}

impl Read for Neighbour {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.sent.read(buf)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            size => Ok(size),
        }
    }
}

impl Write for Neighbour {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut messages = 0;
        if let Some(tls) = &mut self.tls {
            messages = tls.receive(buf, &mut self.sent)?;
        } else {
            // Whole frames come, of messages and of what the server says of itself.
            let mut rest = buf;
            while let [0x81, size, behind @ ..] = rest {
                let (text, behind) = behind.split_at(usize::from(*size));
                messages += usize::from(text[0] == b'x');
                rest = behind;
            }
        }
        self.hear(messages);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Trusts that certificate.
pub(crate) fn trusting(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
