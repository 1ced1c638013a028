//! A server's API, as its client.

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use serde_json::Value;
use ureq::{
    Agent, Body, Error,
    http::{Response, header::AUTHORIZATION},
};

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the server is, and who may ask.
#[derive(Clone, Debug, Args)]
pub(super) struct Access {
    /// The server, or the address that its --admin-listen names
    #[arg(long, value_name = "URL", env = "SWITCHBOARD_SERVER")]
    #[arg(default_value = "http://127.0.0.1:1234", value_parser = url)]
    server: String,

    /// A file with a key of the server's API, in its first line that is not empty
    #[arg(long, value_name = "FILE", env = "SWITCHBOARD_KEY_FILE")]
    key_file: Option<PathBuf>,
}

fn url(value: &str) -> Result<String, String> {
    let url = value.trim_end_matches('/');
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains('/') => Ok(url.into()),
        _ => Err("expected http://HOST:PORT or https://HOST:PORT".into()),
    }
}

/// A server's API.
pub(super) struct Api {
    agent: Agent,
    server: String,
    authorization: Option<String>,
}

/// What the server answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Api {
    pub(super) fn new(access: &Access) -> Result<Self, String> {
        let key = access.key_file.as_ref().map(|path| {
            let in_file = |error: String| format!("key-file {}: {error}", path.display());
            let file = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
            let mut keys = file.lines().map(str::trim).filter(|line| !line.is_empty());
            let key = keys.next().ok_or_else(|| in_file("expected a key".into()))?;
            Ok::<_, String>(format!("Bearer {key}"))
        });
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent = config.timeout_global(Some(PATIENCE)).build().into();
        Ok(Self { agent, server: access.server.clone(), authorization: key.transpose()? })
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, String> {
        let mut request = self.agent.get(format!("{}{path}", self.server));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.read(request.call())
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        let mut request = self.agent.post(format!("{}{path}", self.server));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.read(request.content_type("application/json").send(body.to_string()))
    }

    /// Reads the answer. What is wrong is said in a line.
    fn read(&self, response: Result<Response<Body>, Error>) -> Result<Answer, String> {
        let server = &self.server;
        let mut response = response.map_err(|error| match error {
            Error::Io(error) => {
                format!("no server at {server}: {error}; start it, or see --server")
            }
            Error::HostNotFound => format!("no server at {server}: no such host; see --server"),
            other => format!("no answer from {server}: {other}"),
        })?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string();
        let text = text.map_err(|error| format!("no answer from {server}: {error}"))?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = body["detail"].as_str().unwrap_or("this is no switchboard with an API");
        match status {
            401 | 403 => Err(format!("{server} refuses: {detail}; see --key-file")),
            // It is what a WebSocket-only address says.
            404 | 426 if body.is_null() => {
                Err(format!("{server} has no API; ask the address that its --admin-listen names"))
            }
            200 | 503 => Ok(Answer { status, body }),
            _ => Err(format!("{server} answers {status}: {detail}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_without_a_path() {
        for (value, expected) in [
            ("http://127.0.0.1:1234", "http://127.0.0.1:1234"),
            ("https://example.com/", "https://example.com"),
        ] {
            assert_eq!(url(value).as_deref(), Ok(expected));
        }
        for bad in ["", "127.0.0.1:1234", "ws://127.0.0.1", "http://", "http://a/b", "unix:/a"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
