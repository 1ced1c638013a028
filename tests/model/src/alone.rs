//! Steps a hub that has no model, because nobody knows how it came to be as it is.

use switchboard_core::{
    ConnId, Hub, Input, Instant, Kick, Output, Problem, Request, Ticket, Verdict,
};

use crate::Op;

/// A hub, and what an adapter knows. Messages are as large as they say, whoever made them up.
pub struct Alone {
    hub: Hub<String>,
    clock: Instant,
    slots: [ConnId; Op::SLOTS],
    /// The last one.
    ticket: Option<Ticket>,
}

/// More than a small world can have to say.
const ENDLESS: usize = 100_000;

impl Alone {
    /// A hub that knows these connections, at this time.
    pub fn new(hub: Hub<String>, conns: impl IntoIterator<Item = ConnId>, clock: Instant) -> Self {
        let mut alone = Self { hub, clock, slots: [ConnId::default(); Op::SLOTS], ticket: None };
        for (slot, conn) in alone.slots.iter_mut().zip(conns) {
            *slot = conn;
        }
        alone
    }

    /// The hub.
    pub fn hub(&self) -> &Hub<String> {
        &self.hub
    }

    /// Applies `ops`.
    ///
    /// # Panics
    /// If the hub does, is not consistent, or does not come to an end.
    pub fn run(&mut self, ops: impl IntoIterator<Item = Op>) {
        for op in ops {
            self.step(op);
            self.hub.assert_consistent();
        }
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Serve => self.serve(),
            Op::Enter { slot, uid, address } => {
                self.input(Input::Disconnected { conn: self.slots[slot] });
                self.step(Op::Connect { slot, address });
                self.request(slot, Request::Login(uid));
            }
            Op::Connect { slot, address } => {
                if let Ok(conn) = self.hub.connect(self.clock, address) {
                    self.slots[slot] = conn;
                }
            }
            Op::Address { slot, address } => {
                self.input(Input::Address { conn: self.slots[slot], address });
            }
            Op::Login { slot, uid } => self.request(slot, Request::Login(uid)),
            Op::Authenticate { slot, size } => {
                self.request(slot, Request::Authenticate(message(size)));
            }
            Op::Verdict { verdict, .. } => self.verdict(verdict),
            Op::Send { slot, to, size } => {
                self.request(slot, Request::Send { to, payload: message(size) });
            }
            Op::Pull { slot, frames } => self.pull(self.slots[slot], frames),
            Op::Drain { outputs } => self.drain(outputs),
            Op::Join { slot, group } => self.request(slot, Request::Join(group)),
            Op::Leave { slot, group } => self.request(slot, Request::Leave(group)),
            Op::Invalid { slot } => {
                self.request(slot, Request::Invalid(Problem::ExpectedUidMessage));
            }
            Op::Heard { slot, size } => self.input(Input::Heard { conn: self.slots[slot], size }),
            Op::Called { slot } => self.input(Input::Called { conn: self.slots[slot] }),
            Op::Push { to, size } => {
                self.input(Input::Push { to, payload: message(size) });
            }
            Op::Kick { uid } => self.input(Input::Kick { uid, kick: Kick::default() }),
            Op::Fault { slot, fault } => self.input(Input::Fault { conn: self.slots[slot], fault }),
            Op::PeerClosed { slot } => self.input(Input::PeerClosed { conn: self.slots[slot] }),
            Op::Disconnected { slot } => {
                self.input(Input::Disconnected { conn: self.slots[slot] });
            }
            Op::Advance { by } => self.clock = self.clock + by,
            Op::Tick { by } => {
                self.clock = self.clock + by;
                self.input(Input::Timeout);
            }
            // A clock that is turned back is taken to stand still.
            Op::Rewind { .. } => {}
            Op::Timeout => self.input(Input::Timeout),
            Op::Shutdown { over } => self.input(Input::Shutdown { over }),
        }
    }

    fn input(&mut self, input: Input<'static, String>) {
        self.hub.handle(self.clock, input);
        self.hub.stats();
        self.hub.poll_timeout();
        self.hub.users(None).for_each(drop);
    }

    fn request(&mut self, slot: usize, request: Request<'static, String>) {
        self.input(Input::Request { conn: self.slots[slot], request, size: 1 });
    }

    fn verdict(&mut self, verdict: Verdict<'static>) {
        if let Some(ticket) = self.ticket {
            self.input(Input::Verdict { ticket, verdict });
        }
    }

    fn pull(&mut self, conn: ConnId, frames: usize) {
        for _ in 0..frames.min(ENDLESS) {
            if self.hub.poll_frame(conn).is_none() {
                return;
            }
        }
        assert!(frames < ENDLESS, "frames without end");
    }

    fn drain(&mut self, outputs: usize) {
        for _ in 0..outputs {
            match self.hub.poll_output() {
                Some(Output::Check { ticket, .. }) => self.ticket = Some(ticket),
                Some(_) => {}
                None => return,
            }
        }
    }

    fn serve(&mut self) {
        for _ in 0..ENDLESS {
            match self.hub.poll_output() {
                Some(Output::Ready { conn }) => self.pull(conn, ENDLESS),
                Some(Output::Check { ticket, .. }) => self.ticket = Some(ticket),
                Some(_) => {}
                None => return,
            }
        }
        panic!("outputs without end");
    }
}

fn message(size: usize) -> String {
    "x".repeat(size)
}
