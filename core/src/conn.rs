//! A connection: how far it has come in its life, and in each topic.

use alloc::{collections::VecDeque, sync::Arc};

use slotmap::{Key, new_key_type};
use smallvec::SmallVec;

use crate::{
    CloseReason, Problem, TimeoutReason, addresses::Address, rate::Meter, time::Instant,
    timers::Timer, topic::TopicId, watch::Watch,
};

new_key_type! {
    /// A connection's id. It is never given out twice: the slot of a connection that has ended may
    /// be used again, under another generation.
    pub struct ConnId;
}

impl ConnId {
    /// A fraction of 2³² that spreads connections: those of any number of ids that were given out
    /// one after the other lie about evenly. It is the golden ratio's multiple for the id's slot.
    pub fn phase(self) -> u32 {
        // The lower half is the slot's index, the upper half its generation.
        let slot = self.data().as_ffi() as u32;
        slot.wrapping_mul(0x9E37_79B9)
    }

    /// Whether another connection had this slot before.
    pub(crate) fn is_in_used_slot(self) -> bool {
        self.data().as_ffi() >> 32 > 1
    }
}

pub(crate) struct Conn {
    pub(crate) state: State,
    /// The one deadline that counts.
    pub(crate) timer: Option<(Instant, TimeoutReason)>,
    pub(crate) watch: Watch,
    /// Of its login, once it has one.
    pub(crate) generation: u64,
    /// When it logged in.
    pub(crate) since: Instant,
    /// As far as it is known.
    pub(crate) address: Option<Address>,
    pub(crate) messages: Meter,
    pub(crate) bytes: Meter,
    pub(crate) wake: Wakefulness,
    /// It has a place in the hub's queue of wake-ups.
    pub(crate) queued: bool,
    /// Everybody and its own uid, and then the groups.
    pub(crate) cursors: SmallVec<[Cursor; 2]>,
    pub(crate) replies: VecDeque<Reply>,
}

/// `Login -> Open -> Closing -> Closed`, or, where credentials are checked,
/// `Credential <-> Checking -> Open -> ..`, or straight to `Closing` from anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not logged in.
    Login,
    /// Not logged in, and to be so by a credential.
    Credential,
    /// Has shown a credential, which the check with this number is for.
    Checking { ticket: u64 },
    /// Logged in, with the topic of its uid.
    Open { user: TopicId },
    /// Out of all routing; reads what it was still owed, then [`Frame::Close`](crate::Frame).
    Closing { reason: CloseReason },
    /// Has been given its last frame. The socket remains.
    Closed,
}

/// What a connection knows of what there is to pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Wakefulness {
    /// It has been pulled empty.
    Idle,
    /// Since then something came, and it is to be told.
    Due,
    /// It has been told.
    Told,
}

/// A connection's place in one topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub(crate) topic: TopicId,
    /// The position of the next message to read.
    pub(crate) next: u64,
    pub(crate) membership: Membership,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Membership {
    /// In the topic, as its member with this index.
    Member { index: usize },
    /// Has left; the messages before this position are still to be read.
    Left { until: u64 },
}

impl Cursor {
    /// The position before which its messages are, where `end` is the topic's.
    pub(crate) fn until(&self, end: u64) -> u64 {
        match self.membership {
            Membership::Member { .. } => end,
            Membership::Left { until } => until,
        }
    }

    /// Whether it can come to nothing more.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.membership, Membership::Left { until } if self.next >= until)
    }
}

/// An answer to a request of the connection itself. It has a place in the hub's order, so that it
/// is read after the messages that came before the request and before those that came after.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Reply {
    pub(crate) seq: u64,
    pub(crate) answer: Answer,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Answer {
    LoggedIn(Arc<str>),
    Problem(Problem),
}

impl Conn {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state,
            timer: None,
            watch: Watch::default(),
            generation: 0,
            since: Instant::ZERO,
            address: None,
            messages: Meter::default(),
            bytes: Meter::default(),
            wake: Wakefulness::Idle,
            queued: false,
            cursors: SmallVec::new(),
            replies: VecDeque::new(),
        }
    }

    pub(crate) fn member_of(&mut self, topic: TopicId) -> Option<&mut Cursor> {
        self.cursors
            .iter_mut()
            .find(|c| c.topic == topic && matches!(c.membership, Membership::Member { .. }))
    }

    pub(crate) fn has_timer(&self, timer: &Timer) -> bool {
        self.timer == Some((timer.at, timer.why))
    }
}

/// How far a connection has come, as a dialect's parser needs to know: what a message means
/// depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Expected to log in by its uid.
    Login,
    /// Expected to log in by a credential.
    Credential,
    /// Logged in.
    Open,
    /// On its way out, or forgotten; what it sends is ignored.
    Closing,
}

impl From<&State> for Stage {
    fn from(state: &State) -> Self {
        match state {
            State::Login => Self::Login,
            State::Credential | State::Checking { .. } => Self::Credential,
            State::Open { .. } => Self::Open,
            State::Closing { .. } | State::Closed => Self::Closing,
        }
    }
}
