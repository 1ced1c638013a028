//! A connection: its two ends, and what is on the way between them.

use std::collections::VecDeque;

use switchboard_core::{ConnId, Fault, Frame};
use switchboard_model::Message;

use crate::{oracle::Owed, plan::To};

/// What a client says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    LogIn,
    Send(To, usize),
    Join(usize),
    Leave(usize),
    Nonsense,
    Heard(usize),
    Call,
    Address,
    Fault(Fault),
    Close,
    /// It has closed its side.
    End,
}

impl Said {
    /// Whether the hub may have it wait.
    pub(crate) fn is_request(self) -> bool {
        matches!(
            self,
            Self::LogIn | Self::Send(..) | Self::Join(_) | Self::Leave(_) | Self::Nonsense
        )
    }
}

/// A connection that the adapter holds, or has held.
pub(crate) struct Wire {
    pub(crate) conn: ConnId,
    pub(crate) actor: usize,
    /// The adapter holds its socket.
    pub(crate) is_held: bool,
    /// What has come from the client and is not fed yet.
    pub(crate) inbox: VecDeque<Said>,
    /// When the last of what the client said comes.
    pub(crate) last_arrival: u64,
    /// What is written and not read yet.
    pub(crate) socket: VecDeque<Frame<Message>>,
    /// The client is about to read.
    pub(crate) is_reading: bool,
    /// The hub may have something to pull, as the adapter knows.
    pub(crate) told: bool,
    /// The adapter is about to pull.
    pub(crate) is_pulling: bool,
    /// The client is done with it.
    pub(crate) is_left: bool,
    pub(crate) owed: Owed,
    /// Who has taken its place.
    pub(crate) successor: Option<usize>,
}

impl Wire {
    pub(crate) fn new(conn: ConnId, actor: usize) -> Self {
        Self {
            conn,
            actor,
            is_held: true,
            inbox: VecDeque::new(),
            last_arrival: 0,
            socket: VecDeque::new(),
            is_reading: false,
            told: false,
            is_pulling: false,
            is_left: false,
            owed: Owed::default(),
            successor: None,
        }
    }
}
