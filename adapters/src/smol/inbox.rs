//! What reaches a shard from elsewhere: clients that came in, and what the hub says of those it has.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Context,
};

use atomic_waker::AtomicWaker;

use crate::{exchange, listener::Stream, peer::PeerConfig};

/// Which connection of a shard. The place of one that has ended is used again, under another
/// generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// A shard's inbox.
#[derive(Default)]
pub(super) struct Inbox {
    mail: Mutex<Mail>,
    /// There is mail, or something for a driver to do.
    rung: AtomicBool,
    task: AtomicWaker,
}

/// What has come since the shard looked last.
#[derive(Default)]
pub(super) struct Mail {
    pub(super) arrived: Vec<(Stream, Arc<PeerConfig>)>,
    pub(super) ready: Vec<Key>,
    pub(super) cut: Vec<Key>,
}

impl Inbox {
    /// A client came in.
    pub(super) fn arrive(&self, stream: Stream, config: Arc<PeerConfig>) {
        self.mail().arrived.push((stream, config));
        self.ring();
    }

    /// Has the shard look.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.task.wake();
        }
    }

    /// Takes what has come, in exchange for an empty one.
    pub(super) fn take(&self, empty: &mut Mail) {
        if self.rung.swap(false, Ordering::AcqRel) {
            mem::swap(&mut *self.mail(), empty);
        }
    }

    /// Whether there is anything to look at. If not, the shard's task is woken when there is.
    pub(super) fn has_rung(&self, cx: &Context<'_>) -> bool {
        self.task.register(cx.waker());
        self.rung.load(Ordering::Acquire)
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reaches a connection by its shard.
#[derive(Clone)]
pub(super) struct Signal {
    pub(super) inbox: Arc<Inbox>,
    pub(super) key: Key,
}

impl exchange::Signal for Signal {
    fn ready(&self) {
        self.inbox.mail().ready.push(self.key);
        self.inbox.ring();
    }

    fn all_ready(signals: &mut [Self]) {
        signals.sort_unstable_by_key(|signal| Arc::as_ptr(&signal.inbox));
        for of_one in signals.chunk_by(|one, next| Arc::ptr_eq(&one.inbox, &next.inbox)) {
            let inbox = &of_one[0].inbox;
            inbox.mail().ready.extend(of_one.iter().map(|signal| signal.key));
            inbox.ring();
        }
    }

    fn cut(&self) {
        self.inbox.mail().cut.push(self.key);
        self.inbox.ring();
    }
}
