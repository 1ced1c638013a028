//! What a request is for, by its method and path.

use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use switchboard_core::Name;

use super::answer::Refusal;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Push,
    Users,
    User(String),
    Kick(String),
    Stats,
    Description,
    Healthy,
    Ready,
    Metrics,
    Page(&'static str),
}

/// Paths of the page, all of which are fixed.
pub(super) type Pages = fn(&str) -> Option<&'static str>;

impl Route {
    /// The route of a request.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn of(method: &Method, uri: &Uri, pages: Pages) -> Result<Self, Refusal> {
        let path = uri.path();
        if let Some(user) = path.strip_prefix("/v1/users/") {
            let uid = uid(user)?;
            return match *method {
                Method::GET | Method::HEAD => Ok(Self::User(uid)),
                Method::DELETE => Ok(Self::Kick(uid)),
                _ => Err(Refusal::method_not_allowed("GET, HEAD, DELETE")),
            };
        }
        let route = match path {
            "/v1/push" if method == Method::POST => return Ok(Self::Push),
            "/v1/push" => return Err(Refusal::method_not_allowed("POST")),
            "/v1/users" => Self::Users,
            "/v1/stats" => Self::Stats,
            "/v1/openapi.json" => Self::Description,
            "/healthz" => Self::Healthy,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            _ => {
                Self::Page(pages(path).ok_or_else(|| Refusal::not_found("there is no such page"))?)
            }
        };
        match *method {
            Method::GET | Method::HEAD => Ok(route),
            _ => Err(Refusal::method_not_allowed("GET, HEAD")),
        }
    }

    /// What metrics name it.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Users => "users",
            Self::User(_) => "user",
            Self::Kick(_) => "kick",
            Self::Stats => "stats",
            Self::Description => "openapi",
            Self::Healthy => "healthz",
            Self::Ready => "readyz",
            Self::Metrics => "metrics",
            Self::Page(_) => "page",
        }
    }

    /// Whether it is for everybody.
    pub(super) fn is_public(&self) -> bool {
        matches!(self, Self::Description | Self::Healthy | Self::Ready | Self::Page(_))
    }
}

fn uid(segment: &str) -> Result<String, Refusal> {
    let uid = percent_decode_str(segment).decode_utf8();
    let uid = uid.map_err(|_| Refusal::bad_request("the uid in the path is not UTF-8"))?;
    match Name::new(&uid) {
        Ok(_) => Ok(uid.into_owned()),
        Err(error) => Err(Refusal::bad_request(format!("the uid in the path: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &Method, path: &str) -> Result<Route, u16> {
        let page = |path: &str| (path == "/").then_some("/");
        Route::of(method, &path.parse().unwrap(), page).map_err(|r| r.status().as_u16())
    }

    #[test]
    fn each_path_has_its_methods() {
        let (get, post, delete) = (&Method::GET, &Method::POST, &Method::DELETE);
        assert_eq!(of(post, "/v1/push"), Ok(Route::Push));
        assert_eq!(of(get, "/v1/push"), Err(405));
        assert_eq!(of(get, "/v1/users?limit=3"), Ok(Route::Users));
        assert_eq!(of(delete, "/v1/users"), Err(405));
        assert_eq!(of(get, "/v1/users/bob"), Ok(Route::User("bob".into())));
        assert_eq!(of(delete, "/v1/users/b%C3%B6b%2F"), Ok(Route::Kick("böb/".into())));
        assert_eq!(of(post, "/v1/users/bob"), Err(405));
        for bad in ["/v1/users/", "/v1/users/all", "/v1/users/a:b", "/v1/users/%FF"] {
            assert_eq!(of(get, bad), Err(400), "{bad}");
        }
        assert_eq!(of(&Method::HEAD, "/healthz"), Ok(Route::Healthy));
        assert_eq!(of(&Method::OPTIONS, "/metrics"), Err(405));
        assert_eq!(of(get, "/"), Ok(Route::Page("/")));
        assert_eq!(of(get, "/v2/push"), Err(404));
        assert_eq!(of(get, "//"), Err(404));
    }
}
