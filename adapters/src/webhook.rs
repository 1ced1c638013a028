//! Logins and logouts for other systems: delivered over HTTP, at least once and in order.
//!
//! ```text
//!   hub --> Webhooks::observe --> Queue <--> the thread of Deliveries --> the receiver
//! ```
//!
//! What the hub's lock is held for is to put an event into a bounded queue. Everything else is the
//! business of one thread, so that a receiver that is slow, or gone, is in nobody's way.

mod backoff;
mod delivery;
mod notice;
mod post;
mod queue;
mod signature;

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as Clock, SystemTime},
};

use switchboard_core::{Event, Instant};

pub use delivery::Deliveries;
pub use signature::{Secret, SecretError};

use crate::observe::{self, Observe};
use backoff::Backoff;
use notice::Notice;
use post::Receiver;
use queue::Queue;

/// Where events go, and how many at a time.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Where: an `http` or `https` URL.
    pub url: String,
    /// What requests are signed with. Default: nothing.
    pub secrets: Vec<Secret>,
    /// The certificates, in PEM, of those who may vouch for the receiver's. Default: those that
    /// Mozilla trusts.
    pub roots: Option<Vec<u8>>,
    /// The most events in a request. Default: 100.
    pub batch: usize,
    /// The most events that wait, beside those in the request under way. Default: 10,000.
    pub queue: usize,
    /// The time for what is left when the server has stopped. Default: 5 s.
    pub drain: Duration,
}

impl WebhookConfig {
    /// The defaults, and this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secrets: Vec::new(),
            roots: None,
            batch: 100,
            queue: 10_000,
            drain: Duration::from_secs(5),
        }
    }
}

/// Takes logins and logouts, for a receiver.
#[derive(Debug)]
pub struct Webhooks {
    receiver: Receiver,
    drain: Duration,
    /// Tells this life of the server from others: numbers begin anew with each.
    instance: String,
    origin: Clock,
    shared: Mutex<Shared>,
    changed: Condvar,
}

#[derive(Debug)]
struct Shared {
    queue: Queue<Notice>,
    /// When to give up, once the end has begun.
    end: Option<Instant>,
    has_ended: bool,
}

impl Webhooks {
    /// Gets ready; [`Deliveries::start`] starts.
    ///
    /// # Errors
    /// What is wrong with the URL or the certificates.
    pub fn new(config: WebhookConfig) -> Result<Self, WebhookError> {
        let WebhookConfig { url, secrets, roots, batch, queue, drain } = config;
        let receiver = Receiver::new(&url, secrets, roots.as_deref())?;
        let backoff = Backoff::new(random());
        Ok(Self {
            receiver,
            drain,
            instance: format!("{:016x}{:016x}", random(), random()),
            origin: Clock::now(),
            shared: Mutex::new(Shared {
                queue: Queue::new(queue, batch, backoff),
                end: None,
                has_ended: false,
            }),
            changed: Condvar::new(),
        })
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.origin.elapsed()
    }

    /// What is behind the lock is sound even if somebody panicked, and the hub must go on.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for Webhooks {
    fn observe(&self, event: &Event) {
        let Some(notice) = Notice::of(event, SystemTime::now()) else { return };
        // To wake a thread is a system call, so it is done only if one sleeps.
        if self.lock().queue.offer(self.now(), notice) {
            self.changed.notify_all();
        }
    }

    fn queue(&self) -> Option<observe::Queue> {
        Some(self.lock().queue.figures(self.now()))
    }
}

/// The standard library's hashers are keyed by the system's random numbers.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Why there is no receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookError {
    /// That is no URL of HTTP.
    Url,
    /// What is wrong with the certificates.
    Roots(String),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str(
                "expected a URL with http:// or https:// and a host, such as \
                 https://example.com/events",
            ),
            Self::Roots(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for WebhookError {}
