//! A connection's line to the hub.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Request, Response};
use switchboard_core::{ConnId, Frame, Hub, Instant, Stage};

use crate::{
    http::{Service, response},
    wire::{Received, Text, ToSend, WRITE_BUFFER},
};

/// Frames pulled at a time, so that they fit one write.
const FRAMES_AT_ONCE: usize = 64;

/// What a connection asks of the hub, whether it is [shared](crate::exchange::Exchange) or
/// [not](Direct).
pub trait Line {
    /// Takes what came from the client, no more than there was [credit](Self::credit) for. Returns
    /// what there is left; if that is nothing, it is time to ask when something has been
    /// [pulled](Self::pull).
    fn received(&mut self, received: &[Received]) -> usize;

    /// How much of what the client says may be passed on before this is asked again.
    fn credit(&self) -> usize;

    /// Moves what is to be sent next, about as much as one write takes, to the end of `batch`.
    /// Returns whether there may be more; if not, the hub will tell when there is.
    fn pull(&mut self, batch: &mut VecDeque<ToSend>) -> bool;

    /// Has the service that the connection's listener offers answer a [call](Received::Call).
    fn call(&mut self, service: &dyn Service, request: &Request<Bytes>) -> Response<Bytes>;
}

/// The line of an adapter that owns the hub: one that runs on a single thread.
pub struct Direct<'a> {
    /// The hub.
    pub hub: &'a mut Hub<Text>,
    /// The time.
    pub now: Instant,
    /// Whose line it is.
    pub conn: ConnId,
}

impl Line for Direct<'_> {
    fn received(&mut self, received: &[Received]) -> usize {
        for received in received {
            if let Some(input) = received.input(self.hub.stage(self.conn), self.conn) {
                self.hub.handle(self.now, input);
            }
        }
        self.credit()
    }

    fn credit(&self) -> usize {
        self.hub.credit(self.conn)
    }

    fn pull(&mut self, batch: &mut VecDeque<ToSend>) -> bool {
        pull(|| self.hub.poll_frame(self.conn), batch)
    }

    fn call(&mut self, service: &dyn Service, request: &Request<Bytes>) -> Response<Bytes> {
        match self.hub.stage(self.conn) {
            Stage::Closing => response::unavailable(),
            _ => service.call(request),
        }
    }
}

/// What was pulled for several connections, before each has its turn.
#[derive(Debug, Default)]
pub struct Pulled {
    frames: VecDeque<ToSend>,
    shares: VecDeque<Share>,
}

#[derive(Debug)]
struct Share {
    frames: usize,
    may_have_more: bool,
}

impl Pulled {
    /// Adds what a connection should write next, or nothing.
    pub fn pull(&mut self, next: Option<impl FnMut() -> Option<Frame<Text>>>) {
        let before = self.frames.len();
        let may_have_more = next.is_none_or(|next| pull(next, &mut self.frames));
        self.shares.push_back(Share { frames: self.frames.len() - before, may_have_more });
    }

    /// Moves the share of whoever is next to the end of `batch`. Returns whether there may be more.
    pub fn take_next(&mut self, batch: &mut VecDeque<ToSend>) -> bool {
        let Some(share) = self.shares.pop_front() else { return true };
        batch.extend(self.frames.drain(..share.frames));
        share.may_have_more
    }
}

/// Moves a connection's frames to the end of `batch`, up to one write's worth. Returns whether there
/// may be more.
pub(crate) fn pull(
    mut next: impl FnMut() -> Option<Frame<Text>>,
    batch: &mut VecDeque<ToSend>,
) -> bool {
    let mut bytes = 0;
    for _ in 0..FRAMES_AT_ONCE {
        let Some(frame) = next() else { return false };
        let to_send = ToSend::from(frame);
        bytes += to_send.len();
        batch.push_back(to_send);
        if bytes >= WRITE_BUFFER {
            return true;
        }
    }
    true
}
