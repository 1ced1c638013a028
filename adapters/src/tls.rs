//! TLS: the certificate, and how to replace it while the server runs.
//!
//! What carries the bytes is up to the adapters; rustls does no I/O.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::NoServerSessionStorage,
    version::{TLS12, TLS13},
};

/// What can be wrong with what a client says in TLS.
pub type HandshakeError = Error;

/// WebSocket begins as HTTP/1.1 (RFC 6455, 4.1), and this server speaks nothing else.
const ALPN: &[u8] = b"http/1.1";

/// A certificate and its key, from two files. A clone shares it.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads a certificate chain, the server's own first, and its private key (PKCS#8, SEC1 or
    /// PKCS#1). Both are PEM, and may be in the same file.
    ///
    /// # Errors
    /// Says in one line which file is wrong and what to do about it.
    pub fn load(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (cert, key) = (cert.into(), key.into());
        let current = RwLock::new(read(&cert, &key)?);
        Ok(Self(Arc::new(Shared { cert, key, current })))
    }

    /// What the next connection uses, for as long as it lasts.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again, for the connections to come. Those that exist go on as they are.
    ///
    /// # Errors
    /// As [`load`](Self::load). Then nothing changes: so it is when one of the files has been
    /// replaced and the other has not, yet.
    pub fn reload(&self) -> Result<(), TlsError> {
        let next = read(&self.0.cert, &self.0.key)?;
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

fn read(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let error = |path: &Path, problem| TlsError { path: path.to_owned(), problem };
    let open = |path: &Path| fs::read(path).map_err(|why| error(path, Problem::Unreadable(why)));

    let chain = CertificateDer::pem_slice_iter(&open(cert)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|why| error(cert, Problem::Pem(why)))?;
    if chain.is_empty() {
        return Err(error(cert, Problem::NoCertificate));
    }
    let private = PrivateKeyDer::from_pem_slice(&open(key)?).map_err(|why| match why {
        pem::Error::NoItemsFound => error(key, Problem::NoKey),
        why => error(key, Problem::Pem(why)),
    })?;

    config(chain, private).map_err(|why| match why {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            error(key, Problem::Mismatch { cert: cert.to_owned() })
        }
        Error::InvalidCertificate(_) => error(cert, Problem::BadCertificate(why)),
        _ => error(key, Problem::BadKey(why)),
    })
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Clients keep what it takes to resume a session, encrypted: the server stores nothing. The
    // keys are this configuration's own, so that a new certificate is shown to everybody.
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // A client comes back with one connection, and gets a new ticket then.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// Why there is no TLS with these files.
#[derive(Debug)]
pub struct TlsError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Unreadable(io::Error),
    Pem(pem::Error),
    NoCertificate,
    NoKey,
    BadCertificate(Error),
    BadKey(Error),
    Mismatch { cert: PathBuf },
}

impl TlsError {
    /// The file that is wrong.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::Unreadable(error) => {
                write!(f, "cannot read '{path}': ")?;
                match error.kind() {
                    io::ErrorKind::NotFound => f.write_str("no such file; check the path"),
                    io::ErrorKind::PermissionDenied => f.write_str(
                        "permission denied; let the user that runs this server read the file",
                    ),
                    _ => write!(f, "{error}"),
                }
            }
            Problem::Pem(error) => {
                write!(f, "'{path}' is not valid PEM: ")?;
                // The library's own text prints bytes as numbers.
                match error {
                    pem::Error::MissingSectionEnd { .. } => f.write_str("an END line is missing"),
                    pem::Error::IllegalSectionStart { .. } => f.write_str("a BEGIN line is broken"),
                    pem::Error::Base64Decode(_) => f.write_str("the base64 is broken"),
                    error => write!(f, "{error}"),
                }?;
                f.write_str("; copy the file again, whole")
            }
            Problem::NoCertificate => {
                write!(f, "'{path}' contains no certificate; expected PEM with BEGIN CERTIFICATE")
            }
            Problem::NoKey => write!(
                f,
                "'{path}' contains no private key; expected PEM with BEGIN PRIVATE KEY, BEGIN EC \
                 PRIVATE KEY or BEGIN RSA PRIVATE KEY (decrypt an encrypted one with openssl pkey)"
            ),
            Problem::BadCertificate(error) => {
                write!(f, "the certificate in '{path}' cannot be used: {error}; get a new one")
            }
            Problem::BadKey(error) => write!(
                f,
                "the private key in '{path}' cannot be used: {error}; expected ECDSA (P-256, \
                 P-384), Ed25519 or RSA (2048 bits or more)"
            ),
            Problem::Mismatch { cert } => write!(
                f,
                "the private key in '{path}' does not fit the certificate in '{}'; use the key \
                 that it was made with, and put the server's own certificate first",
                cert.display()
            ),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Unreadable(error) => Some(error),
            Problem::Pem(error) => Some(error),
            Problem::BadCertificate(error) | Problem::BadKey(error) => Some(error),
            Problem::NoCertificate | Problem::NoKey | Problem::Mismatch { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
