//! Tokens that prove a uid: signed JWTs (RFC 7519), made by whoever runs the users' accounts.

mod authenticate;
mod key;

use std::{collections::HashSet, fmt, time::Duration};

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Number;

#[cfg(feature = "cli")]
pub(crate) use key::is_pem;
pub use key::{KeyError, TokenKey};

/// The longest token, in bytes. A longer one is refused before it is looked at.
pub const MAX_TOKEN: usize = 8 << 10;

/// How far the clocks of who signs and of this server may differ, unless told otherwise.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

/// The keys with which tokens are checked, and what else is expected of a token.
///
/// More than one key is for rotation: add the new one, have tokens signed with it, and remove the
/// old one when the last of its tokens has expired.
#[derive(Clone, Debug)]
pub struct TokenKeys {
    keys: Vec<TokenKey>,
    audience: Option<String>,
    issuer: Option<String>,
    leeway: u64,
}

impl TokenKeys {
    /// Accepts tokens that are signed with one of these keys. Without keys, there are none.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = TokenKey>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            audience: None,
            issuer: None,
            leeway: DEFAULT_LEEWAY.as_secs(),
        }
    }

    /// Requires `aud` to be this, or to contain it (RFC 7519, 4.1.3). Otherwise, it is ignored.
    #[must_use]
    pub fn with_audience(self, audience: impl Into<String>) -> Self {
        Self { audience: Some(audience.into()), ..self }
    }

    /// Requires `iss` to be this (RFC 7519, 4.1.1). Otherwise, it is ignored.
    #[must_use]
    pub fn with_issuer(self, issuer: impl Into<String>) -> Self {
        Self { issuer: Some(issuer.into()), ..self }
    }

    /// Accepts tokens for this much longer, and this much earlier. Counts in whole seconds.
    #[must_use]
    pub fn with_leeway(self, leeway: Duration) -> Self {
        Self { leeway: leeway.as_secs(), ..self }
    }

    /// The uid, which is `sub`, if the token is good at this time, in seconds since 1970.
    ///
    /// If the token names its key (`kid`) and there are keys of this name, one of them has to fit.
    /// Otherwise, one of those without a name has to.
    ///
    /// # Errors
    /// What is wrong with the token. No error says anything of the keys, or of the token's content
    /// unless its signature is right.
    pub fn verify(&self, token: &str, now_unix_seconds: u64) -> Result<String, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        // What is critical has to be understood (RFC 7515, 4.1.11), and nothing here is.
        if header.crit.is_some() {
            return Err(TokenError::Unsupported);
        }
        let claims = self.signed(token, &header)?;
        let uid = claims.sub.filter(|uid| !uid.is_empty()).ok_or(TokenError::NoSubject)?;
        let expires = seconds(&claims.exp.ok_or(TokenError::NoExpiry)?);
        if now_unix_seconds >= expires.saturating_add(self.leeway) {
            return Err(TokenError::Expired);
        }
        let starts = claims.nbf.as_ref().map_or(0, seconds);
        if now_unix_seconds.saturating_add(self.leeway) < starts {
            return Err(TokenError::NotYetValid);
        }
        Ok(uid)
    }

    /// The claims, if a key fits.
    fn signed(&self, token: &str, header: &Header) -> Result<Claims, TokenError> {
        let kid = header.kid.as_deref();
        let named = kid.is_some() && self.keys.iter().any(|key| key.name() == kid);
        let wanted = if named { kid } else { None };
        let mut error = TokenError::Unsupported;
        // The key says how it is used, and not the token: otherwise, a public key could be passed
        // off as a secret (RFC 8725, 3.1).
        let fitting =
            self.keys.iter().filter(|key| key.name() == wanted && key.algorithm() == header.alg);
        for key in fitting {
            match decode(token, key.decoding(), &self.validation(key.algorithm())) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(why) => error = why.kind().into(),
            }
            if error != TokenError::BadSignature {
                break;
            }
        }
        Err(error)
    }

    /// What jsonwebtoken is to check: all but the time, because its clock is not ours.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = self.audience.is_some();
        validation.aud = self.audience.clone().map(|audience| HashSet::from([audience]));
        validation.iss = self.issuer.clone().map(|issuer| HashSet::from([issuer]));
        let required = [("aud", &self.audience), ("iss", &self.issuer)];
        let required = required.into_iter().filter(|(_, expected)| expected.is_some());
        validation.required_spec_claims = required.map(|(name, _)| name.to_owned()).collect();
        validation
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<Number>,
    nbf: Option<Number>,
}

/// A `NumericDate`, which may have a fraction (RFC 7519, section 2). Before 1970 is 1970.
fn seconds(date: &Number) -> u64 {
    // A conversion from a float saturates.
    date.as_u64().or_else(|| date.as_f64().map(|date| date as u64)).unwrap_or(0)
}

/// Why a token is refused, in words that its owner may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It has more than [`MAX_TOKEN`] bytes.
    TooLong,
    /// It is no JWT, or a claim is of the wrong type, or its header asks for `alg: none`.
    Malformed,
    /// There is no key for its algorithm (and name), or its header has critical extensions.
    Unsupported,
    /// No key fits.
    BadSignature,
    /// It is not for this server.
    WrongAudience,
    /// It is not from who it should be.
    WrongIssuer,
    /// It does not say for whom it is, in `sub`.
    NoSubject,
    /// It does not say until when it is good, in `exp`.
    NoExpiry,
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
}

impl From<&ErrorKind> for TokenError {
    fn from(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidSignature => Self::BadSignature,
            ErrorKind::InvalidAlgorithm => Self::Unsupported,
            ErrorKind::InvalidAudience => Self::WrongAudience,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Self::WrongAudience,
            ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => Self::WrongIssuer,
            _ => Self::Malformed,
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "token too long",
            Self::Malformed => "malformed token",
            Self::Unsupported => "token with an algorithm, key or extension that is not accepted",
            Self::BadSignature => "bad signature",
            Self::WrongAudience => "token for another audience",
            Self::WrongIssuer => "token of another issuer",
            Self::NoSubject => "token without sub",
            Self::NoExpiry => "token without exp",
            Self::Expired => "token expired",
            Self::NotYetValid => "token not valid yet",
        })
    }
}

impl std::error::Error for TokenError {}

#[cfg(test)]
mod tests;
