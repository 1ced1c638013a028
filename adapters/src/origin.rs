//! Which web pages may connect: an allow-list for the `Origin` header (RFC 6454).
//!
//! A browser lets any page open a WebSocket to any server, and sends along the cookies that it has
//! for that server. It names the page's origin, which is all that tells a site's own pages from a
//! stranger's.

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// The origins that may connect. The default is an empty list, which allows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<AllowedOrigin>);

impl Origins {
    /// Whether a request with this `Origin` header may connect.
    ///
    /// A request without one is allowed. Browsers always send it, and only they need it (RFC 6455,
    /// 4.1 and 10.2): another program sends what it likes, so the header proves nothing about it,
    /// and it has nobody's cookies but its own.
    ///
    /// A request with more than one `Origin` header is malformed. Give them joined by spaces, or
    /// any other text that is no origin, to have it refused.
    #[must_use]
    pub fn allows(&self, origin: Option<&str>) -> bool {
        let Some(origin) = origin.filter(|_| !self.0.is_empty()) else {
            return true;
        };
        let tuple = Tuple::parse(origin);
        self.0.iter().any(|allowed| match (&allowed.0, &tuple) {
            (Pattern::Any, _) => true,
            (Pattern::Null, _) => origin == "null",
            (Pattern::Exactly(allowed), Some(tuple)) => allowed == tuple,
            (Pattern::Below(parent), Some(tuple)) => tuple.is_below(parent),
            (Pattern::Exactly(_) | Pattern::Below(_), None) => false,
        })
    }

    /// Whether there are none, so that all are allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<AllowedOrigin> for Origins {
    fn from_iter<T: IntoIterator<Item = AllowedOrigin>>(origins: T) -> Self {
        Self(origins.into_iter().collect())
    }
}

/// An entry of the list.
///
/// | entry | allows |
/// | --- | --- |
/// | `https://example.com` | this scheme, host and port, which is the scheme's default |
/// | `https://example.com:8443` | the same host, but this port |
/// | `https://*.example.com` | all hosts below this one, at any depth, and not the host itself |
/// | `null` | pages that have no origin of their own, such as files and sandboxed frames |
/// | `*` | all |
///
/// Schemes and hosts are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Any,
    Null,
    Exactly(Tuple),
    Below(Tuple),
}

impl FromStr for AllowedOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let pattern = match text {
            "*" => Some(Pattern::Any),
            "null" => Some(Pattern::Null),
            _ => match text.split_once("://*.") {
                Some((scheme, parent)) => {
                    let parent = Tuple::parse(&format!("{scheme}://{parent}"));
                    parent.filter(|parent| !parent.host.starts_with('[')).map(Pattern::Below)
                }
                None => Tuple::parse(text).map(Pattern::Exactly),
            },
        };
        pattern.map(Self).ok_or_else(|| OriginError { value: text.to_owned() })
    }
}

/// A scheme, a host and a port (RFC 6454, section 4), in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tuple {
    scheme: String,
    host: String,
    /// `None` only if the scheme has no default.
    port: Option<u16>,
}

impl Tuple {
    /// Reads `scheme://host` or `scheme://host:port`, and nothing more (RFC 6454, 6.2).
    ///
    /// A browser writes an international host in its ASCII form, so that no other is needed.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let rest = scheme.strip_prefix(|first: char| first.is_ascii_lowercase())?;
        if !rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            return None;
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colon is one of an IPv6 address.
            Some((_, after)) if after.ends_with(']') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let port = match port {
            // `parse` would take a sign.
            Some(port) if port.starts_with('+') => return None,
            Some(port) => Some(port.parse().ok()?),
            None => default_port(&scheme),
        };
        Some(Self { scheme, host: host_in_one_form(host)?, port })
    }

    /// Whether it differs from `parent` in that its host has more labels in front.
    fn is_below(&self, parent: &Self) -> bool {
        let labels = self.host.strip_suffix(&parent.host).and_then(|host| host.strip_suffix('.'));
        labels.is_some_and(|labels| !labels.is_empty())
            && (&self.scheme, self.port) == (&parent.scheme, parent.port)
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// A host in lower case, or an IPv6 address in brackets and in its shortest form.
fn host_in_one_form(host: &str) -> Option<String> {
    if let Some(bracketed) = host.strip_prefix('[') {
        let ip = bracketed.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
        return Some(format!("[{ip}]"));
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let no_empty_label = host.split('.').all(|label| !label.is_empty());
    (no_empty_label && host.bytes().all(is_part)).then(|| host.to_ascii_lowercase())
}

/// A text that is no entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginError {
    value: String,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value } = self;
        write!(f, "'{value}' is no origin; expected SCHEME://HOST or SCHEME://HOST:PORT, ")?;
        f.write_str("without a path, such as https://example.com, https://*.example.com, null or *")
    }
}

impl std::error::Error for OriginError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origins(entries: &[&str]) -> Origins {
        entries.iter().map(|entry| entry.parse::<AllowedOrigin>().unwrap()).collect()
    }

    #[test]
    fn one_entry() {
        for (entry, origin, allowed) in [
            ("https://example.com", "https://example.com", true),
            ("https://example.com", "https://example.com:443", true),
            ("https://example.com:443", "https://example.com", true),
            ("http://example.com:80", "http://example.com", true),
            ("HTTPS://Example.COM", "https://example.com", true),
            ("https://example.com", "https://EXAMPLE.com", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com", "https://www.example.com", false),
            ("https://example.com", "https://example.com.evil.org", false),
            ("https://example.com", "https://example.com@evil.org", false),
            ("https://example.com", "https://example.com/", false),
            ("https://example.com", "https://example.com https://evil.org", false),
            ("https://example.com", "https://example.com.", false),
            ("https://example.com", "null", false),
            ("https://example.com", "", false),
            ("https://example.com:8443", "https://example.com:8443", true),
            ("https://example.com:8443", "https://example.com", false),
            ("https://*.example.com", "https://www.example.com", true),
            ("https://*.example.com", "https://a.b.Example.com:443", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "https://evilexample.com", false),
            ("https://*.example.com", "https://.example.com", false),
            ("https://*.example.com", "http://www.example.com", false),
            ("https://*.example.com", "https://www.example.com:8443", false),
            ("https://*.example.com", "https://evil.org/.example.com", false),
            ("https://*.example.com:8443", "https://www.example.com:8443", true),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000", true),
            ("http://[::1]", "http://[::1]:80", true),
            ("http://[0:0::1]:3000", "http://[::1]:3000", true),
            ("http://[::1]:3000", "http://[::2]:3000", false),
            ("app://main_window", "app://main_window", true),
            ("chrome-extension://abcdef", "chrome-extension://abcdef", true),
            ("app://host:1", "app://host", false),
            ("null", "null", true),
            ("null", "NULL", false),
            ("null", "https://null", false),
            ("*", "https://example.com", true),
            ("*", "null", true),
            ("*", "anything", true),
        ] {
            assert_eq!(origins(&[entry]).allows(Some(origin)), allowed, "{entry} {origin}");
        }
    }

    #[test]
    fn lists() {
        let some = origins(&["https://a.org", "https://*.b.org", "null"]);
        for origin in ["https://a.org", "https://x.b.org", "null"] {
            assert!(some.allows(Some(origin)), "{origin}");
        }
        assert!(!some.allows(Some("https://c.org")));
        assert!(some.allows(None), "no browser");
        let none = Origins::default();
        assert!(none.is_empty() && !some.is_empty());
        assert!(none.allows(None) && none.allows(Some("https://c.org")));
    }

    #[test]
    fn what_is_no_entry() {
        for text in [
            "",
            "example.com",
            "https://",
            "https://example.com/",
            "https://example.com/chat",
            "https://example.com?",
            "https://user@example.com",
            "https://example.com:",
            "https://example.com:+1",
            "https://example.com:65536",
            "https://example..com",
            "https://*",
            "https://*.",
            "https://*example.com",
            "https://www.*.com",
            "https://*.[::1]",
            "https://[::1",
            "https://::1",
            "*.example.com",
            "*://example.com",
            "1://example.com",
            "https://b\u{fc}cher.example",
            "https://a.org,https://b.org",
            " https://a.org",
        ] {
            let error = text.parse::<AllowedOrigin>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{text}' is no origin; expected ")), "{error}");
        }
    }

    proptest! {
        /// Nothing panics, and what is allowed by an exact entry differs at most in form.
        #[test]
        fn any_text(text in r"(https://)?(\PC|[a-z.:\[\]@/*]){0,30}") {
            let entry = text.parse::<AllowedOrigin>();
            if let Ok(entry) = &entry && !text.contains('*') {
                prop_assert!(origins(&[&text]).allows(Some(&text)), "{entry:?}");
            }
            let allowed = origins(&["https://example.com"]).allows(Some(&text));
            let plain = text.strip_suffix(":443").unwrap_or(&text);
            prop_assert!(!allowed || plain.eq_ignore_ascii_case("https://example.com"));
        }
    }
}
