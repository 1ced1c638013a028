//! Who is online, in an order that can be paged through.

use alloc::{collections::BTreeMap, sync::Arc};
use core::ops::Bound;

use crate::{ConnId, time::Instant, topic::TopicId};

/// A user who is online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// The uid.
    pub uid: &'a str,
    /// Connections that are logged in with it.
    pub connections: usize,
}

/// A connection that is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which connection.
    pub conn: ConnId,
    /// The login's [generation](crate::Login::generation).
    pub generation: u64,
    /// When it logged in.
    pub since: Instant,
    /// When something last came from it.
    pub heard: Instant,
}

/// The uids that are online, in the order of their bytes.
///
/// The hub finds a uid by its hash, which has no order. This has one, so that a list that is read
/// in pages neither misses nor repeats anybody who stays, whoever comes and goes meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Presence(BTreeMap<Arc<str>, TopicId>);

impl Presence {
    pub(crate) fn insert(&mut self, uid: Arc<str>, user: TopicId) {
        self.0.insert(uid, user);
    }

    pub(crate) fn remove(&mut self, uid: &str) {
        self.0.remove(uid);
    }

    #[cfg(any(test, feature = "testing", feature = "serde"))]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that come after `uid`, or all.
    pub(crate) fn after(&self, uid: Option<&str>) -> impl Iterator<Item = (&str, TopicId)> {
        let from = uid.map_or(Bound::Unbounded, Bound::Excluded);
        let users = self.0.range::<str, _>((from, Bound::Unbounded));
        users.map(|(uid, user)| (&**uid, *user))
    }
}
