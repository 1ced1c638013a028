//! The head of a request (RFC 9112, 2 to 5).

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version,
    header::HOST,
    uri::{Authority, Scheme},
};
use httparse::Status;

use super::Wrong;

/// Bytes that a head can have.
pub(crate) const MAX_HEAD: usize = 8 << 10;

/// Headers that a head can have.
const MAX_HEADERS: usize = 64;

/// What else is asked of a head.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// Nothing: it is the only one on its connection, and asks for a WebSocket or is refused.
    Little,
    /// That all who read it agree on what it is and where it ends. Whoever reads it differently, a
    /// proxy before the server, would find requests where there are none (RFC 9112, 11.2).
    Much,
}

/// The head of a request.
pub(crate) struct Head {
    pub(crate) request: Request<()>,
    /// Its size in bytes.
    pub(crate) size: usize,
}

/// The head at the start of `bytes`, if it has come in whole.
///
/// # Errors
/// What to answer if it is none.
pub(crate) fn read(bytes: &[u8], care: Care) -> Result<Option<Head>, Wrong> {
    const TOO_LARGE: Wrong = Wrong::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "a head has at most 8192 bytes and 64 headers",
    );
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    // What is beyond does not count, however much has come at once.
    let bytes = &bytes[..bytes.len().min(MAX_HEAD)];
    match parsed.parse(bytes) {
        Ok(Status::Complete(size)) => {
            let mut request = request(&parsed).ok_or(MALFORMED)?;
            if care == Care::Much {
                line_breaks(&bytes[..size])?;
                target(&mut request, parsed.path.unwrap_or_default())?;
            }
            Ok(Some(Head { request, size }))
        }
        Ok(Status::Partial) if bytes.len() < MAX_HEAD => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(TOO_LARGE),
        Err(httparse::Error::Version) if care == Care::Much => Err(Wrong::new(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "HTTP/1.0 and HTTP/1.1 are spoken here",
        )),
        Err(_) => Err(MALFORMED),
    }
}

const MALFORMED: Wrong = Wrong::bad("the head of the request is malformed");

fn request(parsed: &httparse::Request<'_, '_>) -> Option<Request<()>> {
    let version = if parsed.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 };
    let builder = Request::builder().method(parsed.method?).uri(parsed.path?).version(version);
    let mut request = builder.body(()).ok()?;
    let headers: &mut HeaderMap = request.headers_mut();
    for header in parsed.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some(request)
}

/// A line ends with CR LF. To take LF alone is allowed (RFC 9112, 2.2), but not everybody does.
pub(super) fn line_breaks(head: &[u8]) -> Result<(), Wrong> {
    let is_bare = |bytes: &[u8]| bytes[0] != b'\r' && bytes[1] == b'\n';
    if head.first() == Some(&b'\n') || head.windows(2).any(is_bare) {
        return Err(Wrong::bad("a line ends without CR"));
    }
    Ok(())
}

/// Whom and what the request is for (RFC 9112, 3.2). An absolute target becomes a host and a path.
fn target(request: &mut Request<()>, target: &str) -> Result<(), Wrong> {
    if request.method() == Method::CONNECT {
        return Err(Wrong::new(StatusCode::NOT_IMPLEMENTED, "there is no such method here"));
    }
    let mut hosts = request.headers().get_all(HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => {}
        (None, _) if request.version() == Version::HTTP_10 => {}
        _ => return Err(Wrong::bad("there must be one Host")),
    }
    if target == "*" && request.method() == Method::OPTIONS || target.starts_with('/') {
        return Ok(());
    }
    let (host, path) = absolute(request.uri())
        .ok_or(Wrong::bad("the target must be a path or an absolute http or https URI"))?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = path;
    Ok(())
}

fn is_host(host: &HeaderValue) -> bool {
    let is_authority = |host: &str| !host.contains('@') && host.parse::<Authority>().is_ok();
    host.is_empty() || host.to_str().is_ok_and(is_authority)
}

fn absolute(uri: &Uri) -> Option<(HeaderValue, Uri)> {
    let is_known = |scheme: &&Scheme| [Scheme::HTTP, Scheme::HTTPS].contains(*scheme);
    uri.scheme().filter(is_known)?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let host = HeaderValue::from_str(authority.as_str()).ok()?;
    Some((host, Uri::from(uri.path_and_query()?.clone())))
}
