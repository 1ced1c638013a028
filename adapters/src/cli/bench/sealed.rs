//! TLS, as a client: on buffers.

use std::{
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::arguments::Arguments;

/// What all connections have in common.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Trust {
    /// # Errors
    /// In a line.
    pub(super) fn new(arguments: &Arguments) -> Result<Self, String> {
        let host = arguments.target.host();
        let name = ServerName::try_from(host.to_owned());
        let name =
            name.map_err(|_| format!("'{host}' is no name that a certificate could have"))?;
        let provider = Arc::new(ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let config = if arguments.insecure {
            let nobody = Arc::new(TrustAnybody(algorithms));
            builder.dangerous().with_custom_certificate_verifier(nobody).with_no_client_auth()
        } else {
            builder.with_root_certificates(roots(arguments.ca.as_deref())?).with_no_client_auth()
        };
        Ok(Self { config: Arc::new(config), name })
    }
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(path) = file else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        return if roots.is_empty() {
            Err("this system has no trusted certificates; say --ca FILE or --insecure".to_owned())
        } else {
            Ok(roots)
        };
    };
    let wrong =
        |error: String| format!("cannot use the certificates in '{}': {error}", path.display());
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("there is none, in PEM".to_owned())) } else { Ok(roots) }
}

/// A connection's TLS.
#[derive(Debug)]
pub(super) struct Sealed(ClientConnection);

impl Sealed {
    pub(super) fn new(trust: &Trust) -> Result<Self, Error> {
        ClientConnection::new(trust.config.clone(), trust.name.clone()).map(Self)
    }

    /// Opens what came.
    pub(super) fn open(&mut self, mut bytes: &[u8], opened: &mut Vec<u8>) -> Result<(), Error> {
        while !bytes.is_empty() {
            // Reading from memory does not fail, and what has been processed makes room.
            let read = self.0.read_tls(&mut bytes).unwrap_or_default();
            let size = self.0.process_new_packets()?.plaintext_bytes_to_read();
            if size > 0 {
                let start = opened.len();
                opened.resize(start + size, 0);
                let read = self.0.reader().read(&mut opened[start..]).unwrap_or_default();
                opened.truncate(start + read);
            }
            if read == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Seals `plain`, and appends that and whatever else is to be written.
    pub(super) fn seal(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let size = self.0.writer().write(plain)?;
            plain = &plain[size..];
            while self.0.wants_write() {
                self.0.write_tls(out)?;
            }
            // Before the handshake is done, rustls keeps what is to be sealed.
            if plain.is_empty() || size == 0 {
                return Ok(());
            }
        }
    }
}

/// For `--insecure`: any certificate will do; that the server has its key is checked.
#[derive(Debug)]
struct TrustAnybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for TrustAnybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
