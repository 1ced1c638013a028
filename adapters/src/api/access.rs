//! Who may use the API.

use std::fmt;

use http::{
    HeaderName, Request, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};

use super::answer::Refusal;
use crate::http::{Caller, bearer};

/// The keys that callers have to show one of (RFC 6750, 2.1). Without any, who calls from this
/// machine may do all, and nobody else anything.
#[derive(Clone, Default)]
pub struct ApiKeys(Vec<ApiKey>);

#[derive(Clone)]
struct ApiKey {
    by: hmac::Key,
    tag: hmac::Tag,
}

impl ApiKeys {
    /// The least bytes of a key.
    pub const LEAST: usize = 16;

    /// Adds a key, of which nothing but a digest is kept.
    ///
    /// # Errors
    /// If it is too short to be safe, or has what cannot stand in a header.
    pub fn add(&mut self, key: &str) -> Result<(), String> {
        if key.len() < Self::LEAST {
            return Err(format!("expected a key of {} bytes or more", Self::LEAST));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("expected a key without spaces, of plain ASCII characters".into());
        }
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| "the system has no random numbers")?;
        let by = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let tag = hmac::sign(&by, key.as_bytes());
        self.0.push(ApiKey { by, tag });
        Ok(())
    }

    fn has(&self, key: &str) -> bool {
        // Digests are compared in constant time, and all keys are tried.
        let is =
            |known: &ApiKey| hmac::verify(&known.by, key.as_bytes(), known.tag.as_ref()).is_ok();
        self.0.iter().fold(false, |found, known| found | is(known))
    }

    /// Whether this caller may.
    ///
    /// # Errors
    /// What to answer if not.
    pub(super) fn permit(&self, head: &Request<()>, caller: &Caller) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return permit_local(head, caller);
        }
        match bearer(head.headers()) {
            Some(key) if self.has(key) => Ok(()),
            Some(_) => Err(Refusal::unauthorized("this is none of the server's API keys")),
            None => Err(Refusal::unauthorized("expected Authorization: Bearer and an API key")),
        }
    }
}

impl fmt::Debug for ApiKeys {
    /// Does not show them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({})", self.0.len())
    }
}

/// Permits who is on this machine. A web page of somebody else's that is open there is not: neither
/// one that says so, nor one whose name was made to lead here.
fn permit_local(head: &Request<()>, caller: &Caller) -> Result<(), Refusal> {
    const ADVICE: &str = "set an API key (--api-key) to let others in";
    let is_here = caller.address.is_none_or(|address| address.to_canonical().is_loopback());
    if !is_here || caller.is_forwarded {
        return Err(Refusal::forbidden(format!("only for callers on this machine; {ADVICE}")));
    }
    let host = head.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host: Option<Authority> = host.and_then(|host| host.parse().ok());
    if host.as_ref().is_some_and(|host| !is_local_name(host.host())) {
        return Err(Refusal::forbidden(format!("the Host is not this machine; {ADVICE}")));
    }
    let origin = head.headers().get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let from_host = |origin: &str| {
        let origin: Option<Uri> = origin.parse().ok();
        origin.and_then(|origin| origin.authority().cloned()) == host
    };
    let site = head.headers().get(HeaderName::from_static("sec-fetch-site"));
    let is_cross_site = site.is_some_and(|site| site == "cross-site");
    if is_cross_site || origin.is_some_and(|origin| !from_host(origin)) {
        return Err(Refusal::forbidden(format!("not for other web pages; {ADVICE}")));
    }
    Ok(())
}

fn is_local_name(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&'static str, &str)]) -> Request<()> {
        let mut head = Request::new(());
        for (name, value) in headers {
            head.headers_mut().append(*name, value.parse().unwrap());
        }
        head
    }

    fn caller(address: &str) -> Caller {
        Caller { address: Some(address.parse().unwrap()), is_forwarded: false }
    }

    #[test]
    fn with_keys_one_of_them_is_needed_wherever_the_call_is_from() {
        let mut keys = ApiKeys::default();
        keys.add("first-of-the-keys").unwrap();
        keys.add("second-of-the-keys").unwrap();
        for (authorization, expected) in [
            (Some("Bearer first-of-the-keys"), None),
            (Some("bearer  second-of-the-keys "), None),
            (Some("Bearer first-of-the-key"), Some(401)),
            (Some("Bearer first-of-the-keyss"), Some(401)),
            (Some("Basic first-of-the-keys"), Some(401)),
            (Some("first-of-the-keys"), Some(401)),
            (None, Some(401)),
        ] {
            let header = authorization.map(|value| ("authorization", value));
            let head = head(&header.into_iter().collect::<Vec<_>>());
            for from in ["127.0.0.1", "192.0.2.1"] {
                let refused = keys.permit(&head, &caller(from)).err();
                let status = refused.map(|refusal| refusal.status().as_u16());
                assert_eq!(status, expected, "{authorization:?} from {from}");
            }
        }
        assert_eq!(format!("{keys:?}"), "ApiKeys(2)");
    }

    #[test]
    fn without_keys_only_this_machine_and_none_of_its_strange_pages() {
        let keys = ApiKeys::default();
        let permits = |headers: &[(&'static str, &str)], caller: &Caller| {
            keys.permit(&head(headers), caller).is_ok()
        };
        let here = caller("127.0.0.1");
        assert!(permits(&[], &here));
        for host in ["localhost:1234", "127.0.0.1:1234", "[::1]:1234", "LOCALHOST", "a.localhost"] {
            assert!(permits(&[("host", host)], &here), "{host}");
        }
        for host in ["example.com", "localhost.example.com:1234", "192.0.2.1", "127.0.0.1.nip.io"] {
            assert!(!permits(&[("host", host)], &here), "{host}");
        }
        for from in ["::1", "127.8.8.8", "::ffff:127.0.0.1"] {
            assert!(permits(&[], &caller(from)), "{from}");
        }
        for from in ["192.0.2.1", "::2", "::ffff:192.0.2.1", "10.0.0.1"] {
            assert!(!permits(&[], &caller(from)), "{from}");
        }
        let origin = |origin| [("host", "localhost:1234"), ("origin", origin)];
        assert!(permits(&origin("http://localhost:1234"), &here));
        for page in ["http://localhost:8080", "https://example.com", "null", "", "file://"] {
            assert!(!permits(&origin(page), &here), "{page}");
        }
        assert!(!permits(&[("sec-fetch-site", "cross-site")], &here));
        assert!(permits(&[("sec-fetch-site", "same-origin")], &here));
        // A Unix socket has no address.
        assert!(permits(&[], &Caller { address: None, is_forwarded: false }));
        assert!(!permits(&[], &Caller { is_forwarded: true, ..here }));
    }

    #[test]
    fn a_key_is_long_and_fits_a_header() {
        let mut keys = ApiKeys::default();
        for bad in [
            "",
            "fifteen-bytes-..",
            "with a space in it",
            "ends-with-a-line\n",
            "schlüssel-schlüssel",
        ] {
            let long = bad.len() >= ApiKeys::LEAST && bad != "fifteen-bytes-..";
            assert_eq!(keys.add(bad).is_err(), long || bad.len() < 16, "{bad}");
        }
        assert!(keys.add("sixteen-bytes-..").is_ok());
    }
}
