//! Closing connections from outside.

use alloc::sync::Arc;
use core::fmt;

/// With what a connection is closed that is [kicked](crate::Input::Kick).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Kick {
    code: u16,
    reason: Arc<str>,
}

impl Default for Kick {
    /// 4000, "kicked".
    fn default() -> Self {
        Self { code: 4000, reason: "kicked".into() }
    }
}

impl Kick {
    /// The most bytes of a reason (RFC 6455, 5.5: a control frame has 125, of which the code takes
    /// two).
    pub const MAX_REASON: usize = 123;

    /// A close with this code, which is 1000 or from 3000 to 4999 (RFC 6455, 7.4.2: those that
    /// applications may use), and a reason of at most 123 bytes.
    ///
    /// # Errors
    /// If either is none of those.
    pub fn new(code: u16, reason: &str) -> Result<Self, KickError> {
        if !matches!(code, 1000 | 3000..=4999) {
            Err(KickError::Code(code))
        } else if reason.len() > Self::MAX_REASON {
            Err(KickError::Reason(reason.len()))
        } else {
            Ok(Self { code, reason: reason.into() })
        }
    }

    /// The close code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Why something is no [`Kick`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KickError {
    /// Applications must not close with this code.
    Code(u16),
    /// The reason has so many bytes.
    Reason(usize),
}

impl fmt::Display for KickError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "expected the code 1000 or 3000 to 4999, not {code}"),
            Self::Reason(size) => {
                write!(f, "expected a reason of at most {} bytes, not {size}", Kick::MAX_REASON)
            }
        }
    }
}

impl core::error::Error for KickError {}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Kick {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "Kick")]
        struct Unchecked {
            code: u16,
            reason: alloc::string::String,
        }

        let Unchecked { code, reason } = Unchecked::deserialize(deserializer)?;
        Self::new(code, &reason).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_kick_fits_a_close_frame() {
        let kick = Kick::new(3000, &"x".repeat(123)).expect("the longest reason");
        assert_eq!((kick.code(), kick.reason().len()), (3000, 123));
        let long = Kick::new(4999, &"x".repeat(124)).expect_err("a byte too much");
        assert_eq!(long.to_string(), "expected a reason of at most 123 bytes, not 124");
        for code in [1000, 3000, 4999] {
            assert_eq!(Kick::new(code, "").map(|kick| kick.code()), Ok(code));
        }
        for code in [0, 999, 1001, 2999, 5000] {
            let error = Kick::new(code, "").expect_err("not for applications").to_string();
            assert_eq!(
                error,
                ["expected the code 1000 or 3000 to 4999, not ", &code.to_string()].concat()
            );
        }
        let kicked = Kick::default();
        assert_eq!((kicked.code(), kicked.reason()), (4000, "kicked"));
    }
}
