//! What a user or a group may be called.

use core::fmt;

/// A valid uid or group name: 1 to 128 bytes, without `:` and control characters, and not `all`.
///
/// The rules are the same for every dialect, so that whoever can log in can also be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Name<'a>(&'a str);

impl<'a> Name<'a> {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_LEN: usize = 128;

    /// The one name that nobody can have: it stands for everybody who is logged in.
    pub const EVERYONE: &'static str = "all";

    /// Checks `name`.
    ///
    /// # Errors
    /// Says which of the rules `name` breaks.
    pub fn new(name: &'a str) -> Result<Self, NameError> {
        if name.is_empty() {
            Err(NameError::Empty)
        } else if name.len() > Self::MAX_LEN {
            Err(NameError::TooLong { len: name.len() })
        } else if name.contains(':') {
            Err(NameError::Colon)
        } else if name.contains(char::is_control) {
            Err(NameError::Control)
        } else if name == Self::EVERYONE {
            Err(NameError::Reserved)
        } else {
            Ok(Self(name))
        }
    }

    /// The name itself.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// It is longer than [`Name::MAX_LEN`].
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// It contains a colon, which ends the name in `uid:message`.
    Colon,
    /// It contains a control character.
    Control,
    /// It is [`Name::EVERYONE`].
    Reserved,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the uid is empty"),
            Self::TooLong { len } => {
                write!(f, "the uid has {len} bytes, at most {} are allowed", Name::MAX_LEN)
            }
            Self::Colon => f.write_str("the uid contains a colon"),
            Self::Control => f.write_str("the uid contains a control character"),
            Self::Reserved => write!(f, "the uid {} is reserved for everybody", Name::EVERYONE),
        }
    }
}

impl core::error::Error for NameError {}

#[cfg(feature = "serde")]
impl<'de: 'a, 'a> serde::Deserialize<'de> for Name<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(<&str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_bad_name_is_told_why() {
        let longest = "x".repeat(Name::MAX_LEN);
        assert_eq!(Name::new(&longest).map(|name| name.to_string()), Ok(longest.clone()));
        for (bad, expected) in [
            ("", "the uid is empty"),
            (&*"x".repeat(129), "the uid has 129 bytes, at most 128 are allowed"),
            ("a:b", "the uid contains a colon"),
            ("a\u{7f}", "the uid contains a control character"),
            ("all", "the uid all is reserved for everybody"),
        ] {
            let error = Name::new(bad).expect_err("a bad name");
            assert_eq!(error.to_string(), expected);
        }
    }
}
