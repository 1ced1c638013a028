//! A hub of which a record is kept, or not.

use core::{net::IpAddr, ops::Deref};

use switchboard_core::{
    ConnId, Frame, Hub, Input, Instant, Kick, Name, Output, Problem, Refused, Target,
};

use crate::{Beginning, Content, Digest, Tape};

/// A hub, and the tape on which all that is done to it goes, if there is one. What changes nothing
/// is the [hub](Hub)'s own.
pub struct Recorded<P: Content> {
    hub: Hub<P>,
    tape: Option<Tape>,
}

impl<P: Content> Recorded<P> {
    /// A hub that nothing has happened to since the tape was begun.
    pub fn new(hub: Hub<P>, tape: Option<Tape>) -> Self {
        Self { hub, tape }
    }

    /// As [`Hub::connect`].
    ///
    /// # Errors
    /// As there.
    pub fn connect(&mut self, now: Instant, address: Option<IpAddr>) -> Result<ConnId, Refused> {
        if let Some(tape) = &mut self.tape {
            tape.input::<P>(now, &Input::Connect { address });
        }
        let connected = self.hub.connect(now, address);
        if let (Some(tape), Ok(conn)) = (&mut self.tape, connected) {
            tape.connected(conn);
        }
        connected
    }

    /// As [`Hub::handle`]. Connections come by [`connect`](Self::connect) alone.
    pub fn handle(&mut self, now: Instant, input: Input<'_, P>) {
        if let Input::Connect { address } = input {
            // A refusal is counted, and needs no answer here.
            let _refused = self.connect(now, address).err();
            return;
        }
        let Some(tape) = &mut self.tape else { return self.hub.handle(now, input) };
        tape.input(now, &input);
        let ended = if let Input::Disconnected { conn } = input { Some(conn) } else { None };
        self.hub.handle(now, input);
        if let Some(conn) = ended {
            tape.disconnected(conn);
        }
    }

    /// As [`Hub::push`].
    ///
    /// # Errors
    /// As there.
    pub fn push(&mut self, now: Instant, to: Target<'_>, payload: P) -> Result<usize, Problem> {
        if let Some(tape) = &mut self.tape {
            tape.input(now, &Input::Push { to, payload: payload.clone() });
        }
        self.hub.push(now, to, payload)
    }

    /// As [`Hub::kick`].
    pub fn kick(&mut self, now: Instant, uid: Name<'_>, kick: &Kick) -> usize {
        if let Some(tape) = &mut self.tape {
            tape.input::<P>(now, &Input::Kick { uid, kick: kick.clone() });
        }
        self.hub.kick(now, uid, kick)
    }

    /// As [`Hub::poll_output`].
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        let output = self.hub.poll_output();
        if let Some(tape) = &mut self.tape {
            tape.output(output.as_ref());
        }
        output
    }

    /// As [`Hub::poll_frame`].
    pub fn poll_frame(&mut self, conn: ConnId) -> Option<Frame<P>> {
        let frame = self.hub.poll_frame(conn);
        if let Some(tape) = &mut self.tape {
            tape.frame(conn, frame.as_ref());
        }
        frame
    }

    /// What everybody has been told so far, if there is a tape.
    pub fn digest(&self) -> Option<Digest> {
        self.tape.as_ref().map(Tape::digest)
    }

    /// Has the tape, if there is one, hand out what it has not yet, and go on in a new file: it begins
    /// with what this returns, and what is handed out from then on comes behind it. `started_at` is
    /// the time on the wall, in microseconds since 1970 (UTC). Takes time in proportion to everything
    /// in the hub.
    pub fn go_on(&mut self, started_at: u64) -> Option<Beginning<P>> {
        self.tape.as_mut().map(|tape| tape.go_on(&self.hub, started_at))
    }

    /// Has the tape hand out what it has not yet.
    pub fn flush(&mut self) {
        if let Some(tape) = &mut self.tape {
            tape.flush();
        }
    }
}

impl<P: Content> Deref for Recorded<P> {
    type Target = Hub<P>;

    fn deref(&self) -> &Self::Target {
        &self.hub
    }
}
