//! One request, and what came of it.

use std::{
    io::Read,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{StatusCode, Uri, header::RETRY_AFTER};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use ureq::{
    Agent,
    http::{HeaderMap, Response},
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::{
    WebhookError,
    signature::{self, Secret},
};

/// The time in which a request must be answered.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is kept for the next request: not as long as many receivers do (Node: 5 s), so
/// that none is used which is being closed.
const KEPT: Duration = Duration::from_secs(4);

/// How much of an answer is read. A longer one costs the connection, which could otherwise serve the
/// next request.
const MAX_ANSWER: u64 = 16 << 10;

/// How much of what a receiver says is repeated in the log.
const MAX_QUOTE: usize = 200;

/// Who is told.
#[derive(Debug)]
pub(super) struct Receiver {
    agent: Agent,
    url: Uri,
    secrets: Vec<Secret>,
}

/// Why a request was not accepted, as far as is known.
#[derive(Debug)]
pub(super) struct Failure {
    /// In words.
    pub(super) why: String,
    /// After what time the receiver wants the next attempt.
    pub(super) retry_after: Option<Duration>,
}

impl Receiver {
    pub(super) fn new(
        url: &str,
        secrets: Vec<Secret>,
        roots: Option<&[u8]>,
    ) -> Result<Self, WebhookError> {
        let url: Uri = url.parse().map_err(|_| WebhookError::Url)?;
        let is_http = matches!(url.scheme_str(), Some("http" | "https"));
        if !is_http || url.host().is_none_or(str::is_empty) {
            return Err(WebhookError::Url);
        }
        let roots = roots.map_or(Ok(RootCerts::WebPki), read_roots)?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // What is signed for one place is not for another to see.
            .max_redirects(0)
            .max_idle_age(KEPT)
            .max_response_header_size(MAX_ANSWER as usize)
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Ok(Self { agent: agent.into(), url, secrets })
    }

    /// Delivers a body, in `limit` at the most.
    pub(super) fn post(&self, id: &str, body: &[u8], limit: Duration) -> Result<(), Failure> {
        let now = SystemTime::now();
        // A new one for each attempt: receivers refuse what is some minutes old.
        let timestamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut request = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(TIMEOUT.min(limit)))
            .build()
            .content_type("application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string());
        if !self.secrets.is_empty() {
            let signature = signature::sign(&self.secrets, id, timestamp, body);
            request = request.header("webhook-signature", signature);
        }
        let response = request
            .send(body)
            .map_err(|error| Failure { why: error.to_string(), retry_after: None })?;
        judge(response, now)
    }
}

fn judge(mut response: Response<ureq::Body>, now: SystemTime) -> Result<(), Failure> {
    let mut said = Vec::new();
    // The status counts; that the rest does not come changes nothing.
    let _ = response.body_mut().as_reader().take(MAX_ANSWER).read_to_end(&mut said);
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let mut why = status.to_string();
    if status.is_redirection() {
        why.push_str(" (redirects are not followed)");
    }
    let said = String::from_utf8_lossy(&said[..said.len().min(MAX_QUOTE)]);
    if !said.trim().is_empty() {
        // Escaped, so that it cannot look like a line of the log.
        why.push_str(&format!(": {:?}", said.trim()));
    }
    Err(Failure { why, retry_after: retry_after(status, response.headers(), now) })
}

/// What `Retry-After` says (RFC 9110, 10.2.3): seconds or a date.
fn retry_after(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    // With a redirect it is about the other place.
    let value = headers.get(RETRY_AFTER).filter(|_| !status.is_redirection())?.to_str().ok()?;
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(http_date(value.trim())?.duration_since(now).unwrap_or_default()),
    }
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is still written.
fn http_date(value: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let [_, day, month, year, time, "GMT"] = value.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let month = 1 + MONTHS.iter().position(|name| *name == month)?;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

fn read_roots(pem: &[u8]) -> Result<RootCerts, WebhookError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .map(|found| found.map(|found| Certificate::from_der(&found).to_owned()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| WebhookError::Roots("not valid PEM; copy the file again, whole".into()))?;
    if certificates.is_empty() {
        let problem = "no certificate; expected PEM with BEGIN CERTIFICATE";
        return Err(WebhookError::Roots(problem.into()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_one_of_http() {
        for url in ["http://localhost", "https://example.com:8443/a?b=c", "http://[::1]:80/"] {
            assert!(Receiver::new(url, Vec::new(), None).is_ok(), "{url}");
        }
        for url in ["", "/events", "example.com", "example.com/x", "ftp://example.com/", "http://"]
        {
            let error = Receiver::new(url, Vec::new(), None).expect_err(url);
            assert_eq!(error, WebhookError::Url);
        }
    }

    #[test]
    fn roots_are_certificates() {
        let roots = |pem: &[u8]| Receiver::new("https://localhost", Vec::new(), Some(pem));
        for bad in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAA"] {
            assert!(matches!(roots(bad.as_bytes()), Err(WebhookError::Roots(_))), "{bad}");
        }
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        assert!(roots(pair.cert.pem().as_bytes()).is_ok());
    }

    #[test]
    fn when_to_come_again() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (status, value, seconds) in [
            (503, "120", Some(120)),
            (429, " 0 ", Some(0)),
            (503, "Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            (503, "Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            (503, "Sun, 06 Nov 1994 08:49:37", None),
            (503, "Sun, 99 Nov 1994 08:49:37 GMT", None),
            (503, "soon", None),
            (503, "-1", None),
            (301, "120", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().expect("a header"));
            let status = StatusCode::from_u16(status).expect("a status");
            let told = retry_after(status, &headers, now);
            assert_eq!(told, seconds.map(Duration::from_secs), "{value}");
        }
    }
}
