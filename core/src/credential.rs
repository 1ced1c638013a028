//! Having credentials checked by somebody else.

use core::fmt;

use crate::{ConnId, Name};

/// How connections log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Authentication {
    /// They say what their uid is, and are believed: [`Request::Login`](crate::Request::Login).
    #[default]
    Open,
    /// They show a credential, [`Request::Authenticate`](crate::Request::Authenticate), which the
    /// hub has checked: [`Output::Check`](crate::Output::Check). The verdict has their uid.
    Checked,
}

/// Which check a verdict is for. No two checks have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ticket {
    pub(crate) conn: ConnId,
    pub(crate) number: u64,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict<'a> {
    /// The credential is good, for this uid.
    #[cfg_attr(feature = "serde", serde(borrow))]
    Accepted(Name<'a>),
    /// It is not. The client is told, and may try again until its login time runs out.
    Denied(Denial),
}

/// Why a credential came to nothing. A client is told no more than this: what a checker says for
/// its own log is not for strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Denial {
    /// It is not valid.
    Invalid,
    /// It was valid once.
    Expired,
    /// It is valid, and its owner is not wanted here.
    Forbidden,
    /// It could not be checked.
    Unavailable,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "the credential is not valid",
            Self::Expired => "the credential has expired",
            Self::Forbidden => "access denied",
            Self::Unavailable => "the credential cannot be checked, try again later",
        })
    }
}

impl core::error::Error for Denial {}
