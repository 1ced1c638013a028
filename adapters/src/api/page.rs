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

const FILES: [File; 18] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/favicon.svg", "image/svg+xml", include_str!("page/favicon.svg")),
    ("/page/style.css", "text/css; charset=utf-8", include_str!("page/style.css")),
    ("/page/api.js", SCRIPT, include_str!("page/api.js")),
    ("/page/app.js", SCRIPT, include_str!("page/app.js")),
    ("/page/backoff.js", SCRIPT, include_str!("page/backoff.js")),
    ("/page/banner.js", SCRIPT, include_str!("page/banner.js")),
    ("/page/chart.js", SCRIPT, include_str!("page/chart.js")),
    ("/page/composer.js", SCRIPT, include_str!("page/composer.js")),
    ("/page/connection.js", SCRIPT, include_str!("page/connection.js")),
    ("/page/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/page/figures.js", SCRIPT, include_str!("page/figures.js")),
    ("/page/log.js", SCRIPT, include_str!("page/log.js")),
    ("/page/login.js", SCRIPT, include_str!("page/login.js")),
    ("/page/panels.js", SCRIPT, include_str!("page/panels.js")),
    ("/page/people.js", SCRIPT, include_str!("page/people.js")),
    ("/page/poll.js", SCRIPT, include_str!("page/poll.js")),
    ("/page/store.js", SCRIPT, include_str!("page/store.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

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
