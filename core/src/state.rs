//! A hub's state, to be written out and read back.

#[cfg(feature = "testing")]
mod canonical;

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    CloseReason, Config, ConnId, Output, Stats,
    addresses::Address,
    conn::{Membership, Reply, Wakefulness},
    conns,
    rate::Meter,
    time::Instant,
    timers::Timer,
    topic::Topic,
    watch::Watch,
};

/// All that a [`Hub`](crate::Hub) knows, as plain data: what [`save`](crate::Hub::save) gives and
/// [`restore`](crate::Hub::restore) takes.
///
/// It can be written in any format that serde has, and is read back only if this program's
/// [`VERSION`](Self::VERSION) wrote it. What follows from the rest is not in it but made anew: the
/// index of names, who is online, the counts of readers and of connections per address. The hub's
/// seed is not in it either.
///
/// It holds what people have said to each other, and credentials that wait to be checked.
///
/// A few bytes may say much: to read them takes up to some fifty times as much memory. Who reads what
/// others may have written bounds its size.
#[derive(Serialize, Deserialize)]
pub struct HubState<P> {
    pub(crate) version: Version,
    pub(crate) config: Config,
    pub(crate) now: Instant,
    pub(crate) seq: u64,
    pub(crate) checks: u64,
    pub(crate) events: u64,
    pub(crate) stats: Stats,
    pub(crate) slots: Vec<SavedSlot>,
    /// The free slots, the next one to be taken first.
    pub(crate) free: Vec<u32>,
    /// Everybody first. Elsewhere, a topic is its index in this list.
    pub(crate) topics: Vec<Topic<P>>,
    /// Those of which more is known than that they have connections.
    pub(crate) addresses: Vec<(Address, Meter)>,
    /// Timers that do not count and have yet to be dropped.
    pub(crate) stale_timers: Vec<Timer>,
    pub(crate) wakes: VecDeque<SavedWake>,
    pub(crate) outputs: VecDeque<Output<P>>,
    pub(crate) shutdown: Option<SavedShutdown>,
}

impl<P> HubState<P> {
    /// The version of what is written. Another one is not read.
    pub const VERSION: u32 = 1;

    /// The time of the hub's last input. Times go on from here, on the same clock.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The settings that the hub was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The connections that the hub knows.
    pub fn connections(&self) -> impl Iterator<Item = ConnId> {
        let numbered = (1..).zip(&self.slots);
        let taken = numbered.filter(|(_, slot)| slot.conn.is_some());
        taken.map(|(number, slot)| conns::id(number, slot.version))
    }

    /// The same with other payloads, which must have the same sizes.
    pub fn map_payloads<Q>(
        self,
        mut message: impl FnMut(P) -> Q,
        mut credential: impl FnMut(P) -> Q,
    ) -> HubState<Q> {
        let topics = self.topics.into_iter().map(|topic| topic.map_payloads(&mut message));
        let outputs = self.outputs.into_iter().map(|output| match output {
            Output::Ready { conn } => Output::Ready { conn },
            Output::Drop { conn } => Output::Drop { conn },
            Output::Check { ticket, conn, credential: shown } => {
                Output::Check { ticket, conn, credential: credential(shown) }
            }
            Output::Event(event) => Output::Event(event),
        });
        HubState {
            version: self.version,
            config: self.config,
            now: self.now,
            seq: self.seq,
            checks: self.checks,
            events: self.events,
            stats: self.stats,
            slots: self.slots,
            free: self.free,
            topics: topics.collect(),
            addresses: self.addresses,
            stale_timers: self.stale_timers,
            wakes: self.wakes,
            outputs: outputs.collect(),
            shutdown: self.shutdown,
        }
    }
}

/// Stands for [`HubState::VERSION`].
pub(crate) struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        HubState::<()>::VERSION.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = u32::deserialize(deserializer)?;
        let expected = HubState::<()>::VERSION;
        if found == expected {
            Ok(Self)
        } else {
            let what = format_args!("a hub's state of version {found}, expected {expected}");
            Err(D::Error::custom(what))
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SavedSlot {
    pub(crate) version: u32,
    /// In a box, so that many free slots do not take much more memory than bytes.
    pub(crate) conn: Option<Box<SavedConn>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SavedConn {
    pub(crate) life: Life,
    pub(crate) address: Option<Address>,
    pub(crate) messages: Meter,
    pub(crate) bytes: Meter,
    pub(crate) wake: Wakefulness,
    pub(crate) cursors: Vec<SavedCursor>,
    pub(crate) replies: VecDeque<Reply>,
}

/// A connection's state, its deadline, and what else is known of it in that state.
#[derive(Serialize, Deserialize)]
pub(crate) enum Life {
    Login { until: Instant },
    Credential { until: Instant },
    Checking { ticket: u64, until: Instant },
    Open { generation: u64, since: Instant, watch: Watch },
    Closing { reason: CloseReason, until: Instant },
    Closed { until: Instant },
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SavedCursor {
    pub(crate) topic: usize,
    pub(crate) next: u64,
    pub(crate) membership: Membership,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum SavedWake {
    Conn(ConnId),
    /// `None` if it has been forgotten.
    Topic(Option<usize>),
    Shutdown,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SavedShutdown {
    pub(crate) left: Vec<ConnId>,
    pub(crate) start: Instant,
    pub(crate) over: Duration,
    pub(crate) from: u32,
}

/// Why a [`HubState`] is none that a hub can have: it was damaged, or made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreError {
    pub(crate) flaw: &'static str,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no hub can be in this state: {}", self.flaw)
    }
}

impl core::error::Error for RestoreError {}
