//! What other systems may do over HTTP.

use std::{fs, path::PathBuf};

use clap::Args;

use crate::{
    Settings,
    api::{ApiConfig, ApiKeys},
    cli::values,
};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "HTTP API")]
pub(in crate::cli) struct ApiOptions {
    /// Files with keys for the API and for /metrics, one a line; callers show one with Authorization:
    /// Bearer. Without any, only callers on this machine are answered
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    api_key: Vec<PathBuf>,

    /// The most bytes of a request's body, plain or with a unit, 1MiB
    #[arg(long, value_name = "BYTES", default_value = "256KiB")]
    #[arg(value_parser = body_size)]
    max_body: usize,

    /// Do without the page at /
    #[arg(long)]
    no_page: bool,
}

impl ApiOptions {
    /// Reads the files. What is wrong is said in a line.
    pub(super) fn set(&self, settings: &mut Settings) -> Result<(), String> {
        let mut keys = ApiKeys::default();
        for path in &self.api_key {
            let in_file = |error: String| format!("api-key {}: {error}", path.display());
            let file = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
            let lines = file.lines().map(str::trim).filter(|line| !line.is_empty());
            let mut has_key = false;
            for key in lines {
                keys.add(key).map_err(in_file)?;
                has_key = true;
            }
            if !has_key {
                return Err(in_file("expected a key".into()));
            }
        }
        settings.api = Some(ApiConfig { keys, page: !self.no_page, max_body: self.max_body });
        Ok(())
    }
}

fn body_size(value: &str) -> Result<usize, String> {
    values::bytes(value, 1..=64 << 20)
}
