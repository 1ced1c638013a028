//! How a receiver knows whose a request is: the Standard Webhooks specification, symmetric.

use std::fmt;

use data_encoding::BASE64;
use ring::hmac;

/// The shortest secret, in bytes, that the specification allows.
const MIN_SECRET: usize = 24;

/// What the base64 of a secret begins with.
const PREFIX: &str = "whsec_";

/// What requests are signed with. Who has it can also sign.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl Secret {
    /// A secret: `whsec_` and base64, or any other text, whose bytes count as they are.
    ///
    /// # Errors
    /// It has less than 24 bytes, or is no base64.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let bytes = match text.strip_prefix(PREFIX) {
            Some(encoded) => BASE64.decode(encoded.as_bytes()).map_err(|_| SecretError::Base64)?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.len() < MIN_SECRET {
            return Err(SecretError::Short(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature of a request with this id, of this time in seconds since 1970.
    fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", BASE64.encode(context.sign().as_ref()))
    }
}

/// The value of `webhook-signature`: a signature with each secret. While secrets are being changed,
/// a receiver knows either of them.
pub(super) fn sign(secrets: &[Secret], id: &str, timestamp: u64, body: &[u8]) -> String {
    let signatures: Vec<String> =
        secrets.iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    signatures.join(" ")
}

impl fmt::Debug for Secret {
    /// Leaves the secret itself out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// Why something is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// It has only so many bytes.
    Short(usize),
    /// What is behind `whsec_` is no base64.
    Base64,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(bytes) => write!(f, "the secret has {bytes} bytes; expected {MIN_SECRET}")?,
            Self::Base64 => write!(f, "expected base64 behind {PREFIX}, with its padding")?,
        }
        f.write_str(" or more, such as whsec_ and what openssl rand -base64 32 says")
    }
}

impl std::error::Error for SecretError {}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn the_known_signature() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = br#"{"test": 2432232314}"#;
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(slice::from_ref(&secret), id, 1_614_265_330, body), signature);
        let twice = format!("{signature} {signature}");
        assert_eq!(sign(&[secret.clone(), secret], id, 1_614_265_330, body), twice);
        assert_eq!(sign(&[], id, 0, body), "");
    }

    #[test]
    fn what_is_no_secret() {
        let why = |text| Secret::new(text).expect_err(text);
        assert_eq!(why("23 bytes, one too short"), SecretError::Short(23));
        assert_eq!(why(""), SecretError::Short(0));
        assert_eq!(why("whsec_AAAA"), SecretError::Short(3));
        assert_eq!(why("whsec_!"), SecretError::Base64);
        assert!(Secret::new("24 bytes, which are just").is_ok());
        let shown = format!("{:?}", Secret::new("24 bytes, which are just"));
        assert!(!shown.contains("bytes"), "{shown}");
    }
}
