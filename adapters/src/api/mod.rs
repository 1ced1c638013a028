//! The HTTP API: what other systems may ask for, who may, and what they are answered.
//!
//! ```text
//!   head    --> Route::of --> ApiKeys::permit --> how large the body may be, or a refusal
//!   request --> Route::of --> push, users, .. --> Control --> response
//! ```
//!
//! No sockets and no hub: [`Control`] is the way to one. What is decided about users and messages
//! is decided there.

mod access;
mod answer;
mod control;
mod health;
mod idempotency;
mod metrics;
mod page;
mod push;
mod query;
mod route;
mod service;
mod stats;
#[cfg(test)]
mod tests;
mod users;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};

pub use access::ApiKeys;
pub use control::{Control, Report};
pub(crate) use metrics::Meters;
pub(crate) use service::ApiService;

use crate::{
    Settings,
    http::Caller,
    observe::{Observe, Queue},
};
use answer::Refusal;
use idempotency::{Answered, Known, MAX_KEY};
use route::Route;

const DESCRIPTION: &str = include_str!("openapi.json");

/// How the API is offered.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Who may use it. Default: who is on this machine.
    pub keys: ApiKeys,
    /// Whether there is the page at `/`. Default: yes.
    pub page: bool,
    /// The most bytes of a request's body. Default: 256 KiB.
    pub max_body: usize,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { keys: ApiKeys::default(), page: true, max_body: 256 << 10 }
    }
}

/// Answers requests.
#[derive(Debug)]
pub(crate) struct Api {
    config: ApiConfig,
    max_message: usize,
    memory_bound: u128,
    observer: Option<Arc<dyn Observe>>,
    meters: Meters,
    answered: Mutex<Answered>,
}

impl Api {
    pub(crate) fn new(config: ApiConfig, settings: &Settings, meters: Meters) -> Self {
        Self {
            config,
            max_message: settings.max_message,
            memory_bound: settings.memory_bound(),
            observer: settings.observer.clone(),
            meters,
            answered: Mutex::default(),
        }
    }

    /// The most bytes that a body can have.
    pub(crate) fn max_body(&self) -> usize {
        self.config.max_body
    }

    /// How many bytes the body of a request with this head may have.
    ///
    /// # Errors
    /// The answer, if the body is of no matter.
    pub(crate) fn admit(
        &self,
        head: &Request<()>,
        caller: &Caller,
    ) -> Result<usize, Box<Response<Bytes>>> {
        let admitted = self.route(head).and_then(|route| {
            if !route.is_public() {
                self.config.keys.permit(head, caller)?;
            }
            Ok(if route == Route::Push { self.config.max_body } else { 0 })
        });
        admitted.map_err(|refusal| Box::new(self.count("refused", refusal.into())))
    }

    /// Answers a request that was [admitted](Self::admit).
    pub(crate) fn call(&self, request: &Request<Bytes>, control: &dyn Control) -> Response<Bytes> {
        let (label, answered) = match self.route(request) {
            Ok(route) => (route.label(), self.answer(&route, request, control)),
            Err(refusal) => ("refused", Err(refusal)),
        };
        self.count(label, answered.unwrap_or_else(Response::from))
    }

    fn route<B>(&self, head: &Request<B>) -> Result<Route, Refusal> {
        let pages = if self.config.page { page::find } else { |_: &str| None };
        Route::of(head.method(), head.uri(), pages)
    }

    fn answer(
        &self,
        route: &Route,
        request: &Request<Bytes>,
        control: &dyn Control,
    ) -> Result<Response<Bytes>, Refusal> {
        let uri = request.uri();
        Ok(match route {
            Route::Push => self.push(request, control)?,
            Route::Users => users::list(uri, control)?,
            Route::User(uid) => users::get(uid, control)?,
            Route::Kick(uid) => users::kick(uid, uri, control)?,
            Route::Stats => {
                query::read(uri, [])?;
                stats::get(&control.report(), self.memory_bound)
            }
            Route::Description => {
                answer::content(http::StatusCode::OK, "application/json", DESCRIPTION)
            }
            Route::Healthy => health::healthy(&control.report())?,
            Route::Ready => health::ready(&control.report())?,
            Route::Metrics => {
                let report = &control.report();
                let webhooks: Option<Queue> = self.observer.as_ref().and_then(|o| o.queue());
                let memory_bound = self.memory_bound;
                metrics::get(&self.meters, &metrics::Scrape { report, memory_bound, webhooks })
            }
            Route::Page(path) => page::get(path),
        })
    }

    fn push(
        &self,
        request: &Request<Bytes>,
        control: &dyn Control,
    ) -> Result<Response<Bytes>, Refusal> {
        const KEY: HeaderName = HeaderName::from_static("idempotency-key");
        let Some(key) = request.headers().get(KEY).map(HeaderValue::as_bytes) else {
            return push::push(request, self.max_message, control);
        };
        if !(1..=MAX_KEY).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
            let expected = format!(
                "Idempotency-Key: expected 1 to {MAX_KEY} plain ASCII characters without spaces"
            );
            return Err(Refusal::bad_request(expected));
        }
        // Held meanwhile, so that of two that come at once the one waits for the other's answer.
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let now = control.report().now;
        let content = [request.uri().to_string().as_bytes(), request.body()].concat();
        match answered.find(now, key, &content) {
            Known::New => {
                let response = push::push(request, self.max_message, control)?;
                answered.keep(now, key, &content, response.body());
                Ok(response)
            }
            Known::Repeated(body) => {
                let ok = http::StatusCode::OK;
                let mut response = answer::content(ok, "application/json", body);
                let replayed = HeaderName::from_static("idempotency-replayed");
                response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
                Ok(response)
            }
            Known::Conflict => Err(Refusal::conflicting_key()),
        }
    }

    fn count(&self, route: &'static str, response: Response<Bytes>) -> Response<Bytes> {
        self.meters.request(route, response.status());
        response
    }
}
