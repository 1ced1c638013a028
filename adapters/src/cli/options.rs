//! The settings, by subject.
//!
//! To add one is to add a field: its comment is the help, and its name gives the names of the flag,
//! of the variable in the environment and of the key in the file.

mod api;
mod clients;
mod limits;
mod listen;
mod logs;
mod record;
mod security;
#[cfg(feature = "webhooks")]
mod webhooks;

#[cfg(feature = "webhooks")]
use std::sync::Arc;

use clap::Args;

use crate::Settings;
#[cfg(feature = "webhooks")]
use crate::webhook::Webhooks;
use api::ApiOptions;
use clients::ClientOptions;
use limits::LimitOptions;
use listen::ListenOptions;
use logs::LogOptions;
use record::RecordOptions;
use security::SecurityOptions;
#[cfg(feature = "webhooks")]
use webhooks::WebhookOptions;

pub(super) use listen::Runtime;

/// All settings.
#[derive(Clone, Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) listen: ListenOptions,
    #[command(flatten)]
    clients: ClientOptions,
    #[command(flatten)]
    pub(super) limits: LimitOptions,
    #[command(flatten)]
    security: SecurityOptions,
    #[command(flatten)]
    api: ApiOptions,
    #[cfg(feature = "webhooks")]
    #[command(flatten)]
    webhooks: WebhookOptions,
    #[command(flatten)]
    pub(super) record: RecordOptions,
    #[command(flatten)]
    pub(super) logs: LogOptions,
}

impl Options {
    /// The server's settings, if the process may have `files` files open.
    ///
    /// # Errors
    /// A file that a setting names is unfit, or settings do not go together; in a line.
    pub(super) fn settings(&self, files: u64) -> Result<Settings, String> {
        let mut settings = Settings { max_message: self.limits.max_message, ..Settings::default() };
        self.clients.set(&mut settings);
        self.limits.set(&mut settings.hub, files)?;
        self.security.set(&mut settings)?;
        self.api.set(&mut settings)?;
        Ok(settings)
    }

    /// What takes logins and logouts for a receiver, if there is one. It is yet to be started.
    ///
    /// # Errors
    /// As above.
    #[cfg(feature = "webhooks")]
    pub(super) fn webhooks(&self) -> Result<Option<Arc<Webhooks>>, String> {
        self.webhooks.webhooks().map(|webhooks| webhooks.map(Arc::new))
    }
}
