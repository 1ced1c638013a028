//! Tokens as what clients log in with.

use std::time::SystemTime;

use switchboard_core::Denial;

use super::{TokenError, TokenKeys};
use crate::authenticate::{Answer, Authenticate};

impl Authenticate for TokenKeys {
    fn authenticate(&self, credential: &str, answer: Answer) {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since_epoch.map_or(0, |since_epoch| since_epoch.as_secs());
        match self.verify(credential, now) {
            Ok(uid) => answer.accept(&uid),
            Err(error) => {
                tracing::debug!(%error, "a token is refused");
                answer.deny(match error {
                    TokenError::Expired => Denial::Expired,
                    _ => Denial::Invalid,
                });
            }
        }
    }
}
