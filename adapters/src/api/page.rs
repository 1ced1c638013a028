//! The page at `/`, for people.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::answer;

/// Nothing but what this server has, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";

/// A file of the page: its path, its type and its content.
type File = (&'static str, &'static str, &'static str);

const FILES: [File; 0] = [];

/// The path of a file, if there is one.
pub(super) fn find(path: &str) -> Option<&'static str> {
    FILES.iter().map(|(known, ..)| *known).find(|known| *known == path)
}

pub(super) fn get(path: &str) -> Response<Bytes> {
    let file = FILES.iter().find(|(known, ..)| *known == path);
    let (_, content_type, content) = file.copied().unwrap_or((path, "text/plain", ""));
    let mut response = answer::content(StatusCode::OK, content_type, content);
    let headers = response.headers_mut();
    let policy = HeaderName::from_static("content-security-policy");
    headers.insert(policy, HeaderValue::from_static(POLICY));
    let referrer = HeaderName::from_static("referrer-policy");
    headers.insert(referrer, HeaderValue::from_static("no-referrer"));
    response
}
