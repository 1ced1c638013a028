//! Who is told of logins and logouts.

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    cli::values,
    webhook::{Secret, WebhookConfig, WebhookError, Webhooks},
};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Webhooks")]
pub(in crate::cli) struct WebhookOptions {
    /// Where to send logins and logouts, by POST: http://... or https://... Without it, nowhere
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,

    /// A file with what to sign them with, as Standard Webhooks says: a secret of 24 bytes or more, or
    /// whsec_ and its base64; several, a line each, while receivers change from one to the next
    #[arg(long, value_name = "FILE")]
    webhook_secret: Option<PathBuf>,

    /// The certificates, in PEM, that may vouch for the receiver's; without it, those that Mozilla
    /// trusts
    #[arg(long, value_name = "FILE")]
    webhook_ca: Option<PathBuf>,

    /// The most events in a request
    #[arg(long, value_name = "COUNT", default_value = "100", value_parser = batch)]
    webhook_batch: usize,

    /// The most events that wait while the receiver is slow or away; beyond it, the oldest go
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = queue)]
    webhook_queue: usize,

    /// The time for events that are left when the server stops, once all connections are closed
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = values::duration_or_zero)]
    webhook_drain: Duration,
}

fn batch(value: &str) -> Result<usize, String> {
    values::count(value, 1..=1000)
}

fn queue(value: &str) -> Result<usize, String> {
    values::count(value, 1..=1_000_000)
}

impl WebhookOptions {
    /// Reads the files. What is wrong is said in a line.
    pub(super) fn webhooks(&self) -> Result<Option<Webhooks>, String> {
        let Some(url) = &self.webhook_url else {
            return match (&self.webhook_secret, &self.webhook_ca) {
                (None, None) => Ok(None),
                (Some(_), _) => Err("webhook-secret is of no use without webhook-url".into()),
                (_, Some(_)) => Err("webhook-ca is of no use without webhook-url".into()),
            };
        };
        let secrets = self.webhook_secret.as_ref().map_or(Ok(Vec::new()), read_secrets)?;
        let roots = self.webhook_ca.as_ref().map(|path| {
            fs::read(path).map_err(|error| format!("webhook-ca {}: {error}", path.display()))
        });
        let config = WebhookConfig {
            secrets,
            roots: roots.transpose()?,
            batch: self.webhook_batch,
            queue: self.webhook_queue,
            drain: self.webhook_drain,
            ..WebhookConfig::new(url)
        };
        Webhooks::new(config).map(Some).map_err(|error| match (&error, &self.webhook_ca) {
            (WebhookError::Roots(_), Some(path)) => {
                format!("webhook-ca {}: {error}", path.display())
            }
            _ => format!("webhook-url {url}: {error}"),
        })
    }
}

fn read_secrets(path: &PathBuf) -> Result<Vec<Secret>, String> {
    let in_file = |error: String| format!("webhook-secret {}: {error}", path.display());
    let file = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty());
    let secrets = lines.map(Secret::new).collect::<Result<Vec<_>, _>>();
    let secrets = secrets.map_err(|error| in_file(error.to_string()))?;
    if secrets.is_empty() { Err(in_file("expected a secret".into())) } else { Ok(secrets) }
}
