//! The server's certificate and key, which can be replaced while it runs.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

/// TLS 1.2 and 1.3 for `http/1.1`, with a certificate and a key from PEM files. Clones share them.
#[derive(Clone, Debug)]
pub struct Tls {
    files: Arc<Files>,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Tls {
    /// Reads the chain of certificates, the server's own one first, and its private key (PKCS #8,
    /// PKCS #1 or SEC 1).
    ///
    /// # Errors
    /// Says which file is unfit, and why.
    pub fn load(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let files = Files { certificate: certificate.into(), key: key.into() };
        let current = Arc::new(RwLock::new(Arc::new(files.read()?)));
        Ok(Self { files: Arc::new(files), current })
    }

    /// Reads the files again. Connections that are being made from here on get what they say; those
    /// that stand go on as they are.
    ///
    /// # Errors
    /// As [`load`](Self::load). All goes on with what was read before.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = Arc::new(self.files.read()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What a new connection is made with.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Files {
    fn read(&self) -> Result<ServerConfig, TlsError> {
        let (certificate, key) = (&self.certificate, &self.key);
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TlsError::new(certificate, Reason::Pem(error)))?;
        if chain.is_empty() {
            return Err(TlsError::new(certificate, Reason::NoCertificate));
        }
        let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| {
            let reason = match error {
                pem::Error::NoItemsFound => Reason::NoKey,
                error => Reason::Pem(error),
            };
            TlsError::new(key, reason)
        })?;
        let unfit = |error: rustls::Error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::new(key, Reason::OtherKey(certificate.clone()))
            }
            error => TlsError::new(certificate, Reason::Unfit(error)),
        };
        let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(unfit)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Who comes back proves with a ticket who it is, which takes no memory here.
        config.ticketer = ring::Ticketer::new().map_err(unfit)?;
        config.send_tls13_tickets = 1;
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::new(path, Reason::Unreadable(error)))
}

/// Why TLS cannot be set up with these files.
#[derive(Debug)]
pub struct TlsError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Unreadable(std::io::Error),
    Pem(pem::Error),
    NoCertificate,
    NoKey,
    OtherKey(PathBuf),
    Unfit(rustls::Error),
}

impl TlsError {
    fn new(path: &Path, reason: Reason) -> Self {
        Self { path: path.into(), reason }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.reason {
            Reason::Unreadable(error) => {
                write!(f, "cannot be read: {error}; this user must be able to read it")
            }
            Reason::Pem(error) => write!(f, "is no PEM file: {error}"),
            Reason::NoCertificate => f.write_str("has no certificate; expected BEGIN CERTIFICATE"),
            Reason::NoKey => f.write_str("has no private key; expected BEGIN PRIVATE KEY"),
            Reason::OtherKey(certificate) => {
                write!(f, "is not the key of the certificate in {}", certificate.display())
            }
            Reason::Unfit(error) => write!(f, "cannot be used: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}
