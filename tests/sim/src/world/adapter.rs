//! The adapter: what its contract with the hub asks for, and nothing else.

use switchboard_core::{Frame, Input, Output, Problem, Request, Stage};
use switchboard_model::Message;

use super::{Due, World};
use crate::{names, plan::Checked, plan::To, reached::Moment, wire::Said};

impl World {
    pub(super) fn feed(&mut self, input: Input<'static, Message>) {
        let clock = self.clock();
        self.subject.handle(clock, input);
        self.drain();
    }

    /// Feeds something that may log a connection in.
    pub(super) fn feed_for(&mut self, wire: usize, input: Input<'static, Message>) {
        let conn = self.wires[wire].conn;
        let clock = self.clock();
        let before = self.subject.hub().stage(conn);
        let uid = self.clients[self.wires[wire].actor].actor.uid;
        let open = self.open_as(uid);
        self.subject.handle(clock, input);
        if before != Stage::Open && self.subject.hub().stage(conn) == Stage::Open {
            self.wires[wire].owed.log_in(uid, &self.posted);
            // Whoever has lost the uid to it gets nothing that is taken from now on.
            for older in self.note_ends(&open) {
                self.wires[older].successor = Some(wire);
            }
        }
        self.drain();
        self.take_inbox(wire);
    }

    /// What a client said has come.
    pub(super) fn arrive(&mut self, wire: usize, said: Said) {
        if self.wires[wire].is_held {
            self.wires[wire].inbox.push_back(said);
            self.take_inbox(wire);
        }
    }

    /// Feeds what has come from a connection, as far as it has credit.
    fn take_inbox(&mut self, wire: usize) {
        while let Some(&said) = self.wires[wire].inbox.front() {
            let conn = self.wires[wire].conn;
            if said.is_request() && self.subject.hub().credit(conn) == 0 {
                self.reached.count(Moment::NoCredit);
                return;
            }
            self.wires[wire].inbox.pop_front();
            self.take(wire, said);
            if !self.wires[wire].is_held {
                return;
            }
        }
    }

    fn take(&mut self, wire: usize, said: Said) {
        let conn = self.wires[wire].conn;
        let actor = self.clients[self.wires[wire].actor].actor;
        let request = |request, size| Input::Request { conn, request, size };
        match said {
            Said::LogIn => {
                let login = match self.subject.hub().stage(conn) {
                    Stage::Credential => Request::Authenticate(self.posted.next(8)),
                    _ => Request::Login(names::uid(actor.uid)),
                };
                self.feed_login(wire, request(login, 8));
            }
            Said::Send(to, size) => self.send(wire, to, size),
            Said::Join(group) => {
                if self.feed_unrefused(wire, request(Request::Join(names::group(group)), 6)) {
                    self.wires[wire].owed.join(group, &self.posted);
                }
            }
            Said::Leave(group) => {
                if self.feed_unrefused(wire, request(Request::Leave(names::group(group)), 7)) {
                    self.wires[wire].owed.leave(group, &self.posted);
                }
            }
            Said::Nonsense => {
                self.feed(request(Request::Invalid(Problem::ExpectedUidMessage), 3));
            }
            Said::Heard(size) => self.feed(Input::Heard { conn, size }),
            Said::Call => self.feed(Input::Called { conn }),
            Said::Address => {
                if let Some(address) = actor.address {
                    self.feed(Input::Address { conn, address });
                }
            }
            Said::Fault(fault) => self.feed(Input::Fault { conn, fault }),
            Said::Close => self.feed(Input::PeerClosed { conn }),
            Said::End => {
                self.feed(Input::Disconnected { conn });
                self.let_go(wire);
            }
        }
    }

    /// A login, which must not look at the inbox again: that is being done.
    fn feed_login(&mut self, wire: usize, input: Input<'static, Message>) {
        let inbox = std::mem::take(&mut self.wires[wire].inbox);
        self.feed_for(wire, input);
        self.wires[wire].inbox = inbox;
    }

    /// Returns whether the connection has been told of no problem.
    fn feed_unrefused(&mut self, wire: usize, input: Input<'static, Message>) -> bool {
        let conn = self.wires[wire].conn;
        let clock = self.clock();
        let before = self.subject.hub().credit(conn);
        self.subject.handle(clock, input);
        let hub = self.subject.hub();
        let is_unrefused = hub.credit(conn) == before && hub.stage(conn) == Stage::Open;
        self.drain();
        is_unrefused
    }

    fn send(&mut self, wire: usize, to: To, size: usize) {
        let conn = self.wires[wire].conn;
        let payload = self.posted.next(size);
        let before = self.subject.hub().stats().accepted;
        let clock = self.clock();
        let request = Request::Send { to: names::target(to), payload };
        self.subject.handle(clock, Input::Request { conn, request, size: size + 3 });
        if self.subject.hub().stats().accepted > before {
            self.posted.taken(to, payload);
        }
        self.drain();
    }

    /// Takes outputs, a bounded number at a time.
    pub(super) fn drain(&mut self) {
        if self.drain_some() && !std::mem::replace(&mut self.is_draining, true) {
            self.schedule(self.adapter.pause, Due::Outputs);
        }
    }

    /// Returns whether there may be more.
    pub(super) fn drain_some(&mut self) -> bool {
        for _ in 0..self.adapter.outputs {
            let Some(output) = self.subject.poll_output() else { return false };
            match output {
                Output::Ready { conn } => {
                    let wire = self.by_conn[&conn];
                    if self.wires[wire].is_held {
                        self.tell(wire);
                    }
                }
                Output::Drop { conn } => {
                    let wire = self.by_conn[&conn];
                    if self.wires[wire].is_held {
                        self.let_go(wire);
                    }
                }
                Output::Check { ticket, conn, .. } => {
                    let wire = self.by_conn[&conn];
                    self.checks.push((ticket, wire));
                    let check = self.checks.len() - 1;
                    match self.clients[self.wires[wire].actor].actor.verdict {
                        Checked::Accepted { after } | Checked::Denied { after, .. } => {
                            self.schedule(after, Due::Verdict(check));
                        }
                        Checked::Never => {}
                    }
                }
                Output::Event(_) => {}
            }
        }
        true
    }

    fn tell(&mut self, wire: usize) {
        let room = self.clients[self.wires[wire].actor].actor.room;
        let is_full = self.wires[wire].socket.len() >= room;
        if is_full {
            self.reached.count(Moment::ToldWithFullSocket);
        }
        self.wires[wire].told = true;
        if !is_full {
            self.pull_soon(wire);
        }
    }

    pub(super) fn pull_soon(&mut self, wire: usize) {
        if !std::mem::replace(&mut self.wires[wire].is_pulling, true) {
            self.schedule(self.adapter.slow, Due::Pull(wire));
        }
    }

    /// Pulls what there is while the socket takes it.
    pub(super) fn pull(&mut self, wire: usize) {
        self.wires[wire].is_pulling = false;
        if !self.wires[wire].is_held {
            return;
        }
        let room = self.clients[self.wires[wire].actor].actor.room;
        for _ in 0..self.adapter.frames {
            if !self.wires[wire].told || self.wires[wire].socket.len() >= room {
                break;
            }
            match self.subject.poll_frame(self.wires[wire].conn) {
                Some(frame) => self.write(wire, frame),
                None => self.wires[wire].told = false,
            }
        }
        if self.wires[wire].told && self.wires[wire].socket.len() < room {
            self.pull_soon(wire);
        }
        // There may be credit again.
        self.take_inbox(wire);
    }

    fn write(&mut self, wire: usize, frame: Frame<Message>) {
        if !self.wires[wire].is_left {
            self.wires[wire].socket.push_back(frame);
            self.read_soon(wire);
        }
    }
}
