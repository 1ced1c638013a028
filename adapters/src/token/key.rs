//! A key that tokens are checked with, and ring as what jsonwebtoken computes with.

use std::fmt;

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature,
};
use ring::{hmac, signature as public};
use rustls::pki_types::{
    SubjectPublicKeyInfoDer,
    pem::{self, PemObject},
};

/// The shortest secret for HS256, in bytes (RFC 7518, 3.2).
const MIN_SECRET: usize = 32;

/// What comes before the 32 bytes of an Ed25519 key in its DER form (RFC 8410, section 4).
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// A key that tokens are checked with. It knows its one algorithm.
#[derive(Clone)]
pub struct TokenKey {
    name: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
}

impl TokenKey {
    /// A secret for HS256, that is, HMAC with SHA-256. Who has it can also make tokens.
    ///
    /// All bytes count, so remove a line break that an editor has put at the end of a file.
    ///
    /// # Errors
    /// It has less than 32 bytes (RFC 7518, 3.2), or the form of a public key: everybody could sign
    /// with that (RFC 8725, 3.1).
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        if is_pem(secret) || is_key_of_another_form(secret) {
            return Err(KeyError::NotSecret);
        }
        if secret.len() < MIN_SECRET {
            return Err(KeyError::Short(secret.len()));
        }
        Ok(Self::new(Algorithm::HS256, DecodingKey::from_secret(secret)))
    }

    /// A public key for EdDSA with Ed25519 (RFC 8037): PEM with `BEGIN PUBLIC KEY`.
    ///
    /// # Errors
    /// There is no such key in it, or one of another kind.
    pub fn ed25519_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|why| match why {
            pem::Error::NoItemsFound => KeyError::NoPublicKey,
            _ => KeyError::Pem,
        })?;
        let key = key.strip_prefix(ED25519_SPKI).filter(|key| key.len() == 32);
        let key = DecodingKey::from_ed_der(key.ok_or(KeyError::NotEd25519)?);
        Ok(Self::new(Algorithm::EdDSA, key))
    }

    fn new(algorithm: Algorithm, decoding: DecodingKey) -> Self {
        // If the process has chosen another provider before, that one does it as well.
        let _ = PROVIDER.install_default();
        Self { name: None, algorithm, decoding }
    }

    /// Makes it the key of the tokens whose header has this `kid` (RFC 7515, 4.1.4).
    #[must_use]
    pub fn named(self, kid: impl Into<String>) -> Self {
        Self { name: Some(kid.into()), ..self }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// Whether something is PEM, which may have text before it (RFC 7468, section 2).
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, b"-----BEGIN ")
}

/// Whether this is a key as DER, OpenSSH or JWK have it, or PEM in UTF-16.
fn is_key_of_another_form(bytes: &[u8]) -> bool {
    [ED25519_SPKI, b"ssh-"].iter().any(|start| bytes.starts_with(start))
        || [&b"\"kty\""[..], b"B\0E\0G\0I\0N"].iter().any(|part| contains(bytes, part))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

impl fmt::Debug for TokenKey {
    /// Leaves the key itself out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, algorithm, decoding: _ } = self;
        f.debug_struct("TokenKey")
            .field("name", name)
            .field("algorithm", algorithm)
            .finish_non_exhaustive()
    }
}

/// Why something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A secret of only so many bytes.
    Short(usize),
    /// What is given for a secret is a key in some form, perhaps a public one.
    NotSecret,
    /// PEM without a public key.
    NoPublicKey,
    /// Broken PEM.
    Pem,
    /// A public key of another kind.
    NotEd25519,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(bytes) => write!(
                f,
                "the secret has {bytes} bytes; expected {MIN_SECRET} or more, such as from openssl \
                 rand -hex 32"
            ),
            Self::NotSecret => f.write_str(
                "a key in another form; expected a secret, such as from openssl rand -hex 32, or PEM \
                 with BEGIN PUBLIC KEY",
            ),
            Self::NoPublicKey => f.write_str(
                "no public key; expected PEM with BEGIN PUBLIC KEY, such as from openssl pkey \
                 -pubout",
            ),
            Self::Pem => f.write_str("not valid PEM; copy the key again, whole"),
            Self::NotEd25519 => f.write_str(
                "a public key of another kind; expected Ed25519, such as from openssl genpkey \
                 -algorithm ed25519",
            ),
        }
    }
}

impl std::error::Error for KeyError {}

/// jsonwebtoken's own providers would bring RSA and the NIST curves, or a second library in C. ring
/// is there for TLS.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let bytes = key.try_get_as_bytes()?;
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            Ok(Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, bytes))))
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => {
            Ok(Box::new(Ed25519(public::UnparsedPublicKey::new(&public::ED25519, bytes.to_vec()))))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

/// This server checks tokens and makes none.
fn signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

struct Hs256(hmac::Key);

impl signature::Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        // Takes the same time wherever the tags differ.
        hmac::verify(&self.0, message, tag).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct Ed25519(public::UnparsedPublicKey<Vec<u8>>);

impl signature::Verifier<Vec<u8>> for Ed25519 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.verify(message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Ed25519 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
