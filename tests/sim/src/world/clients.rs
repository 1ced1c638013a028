//! The clients, and the network between them and the adapter.

use std::hash::Hasher;

use switchboard_core::{Frame, Input, Refused, Verdict};
use switchboard_model::Message;

use super::{Due, World};
use crate::{
    actor::Client,
    names,
    plan::Checked,
    reached::Moment,
    wire::{Said, Wire},
};

impl Client {
    /// What becomes of its credential.
    pub(super) fn verdict(&self) -> Verdict<'static> {
        match self.actor.verdict {
            Checked::Denied { why, .. } => Verdict::Denied(why),
            Checked::Accepted { .. } | Checked::Never => {
                Verdict::Accepted(names::uid(self.actor.uid))
            }
        }
    }
}

impl World {
    pub(super) fn connect(&mut self, client: usize) {
        if self.clients[client].wire.is_some() || self.clients[client].is_returning {
            return;
        }
        let clock = self.clock();
        let actor = self.clients[client].actor;
        // A proxy may tell it later.
        let address = actor.address.filter(|_| !client.is_multiple_of(3));
        match self.subject.connect(clock, address) {
            Ok(conn) => {
                let wire = self.wires.len();
                self.wires.push(Wire::new(conn, client));
                assert_eq!(self.by_conn.insert(conn, wire), None, "{conn:?} was given out twice");
                self.held.insert(wire, conn);
                self.clients[client].wire = Some(wire);
                if actor.temper.logs_in {
                    self.say(client, Said::LogIn);
                }
            }
            Err(refused) => {
                self.reached.count(match refused {
                    Refused::Full => Moment::Full,
                    Refused::TooManyFromAddress => Moment::TooManyFromAddress,
                    Refused::ShuttingDown => Moment::RefusedInShutdown,
                });
                self.come_back(client);
            }
        }
        self.drain();
    }

    /// Sends something on its way to the adapter.
    pub(super) fn say(&mut self, client: usize, said: Said) {
        let Some(wire) = self.clients[client].wire else { return };
        // What is said on one connection comes in its order.
        let arrival =
            (self.now + self.clients[client].actor.latency).max(self.wires[wire].last_arrival);
        self.wires[wire].last_arrival = arrival;
        self.said.push(said);
        let after = arrival.saturating_sub(self.now);
        self.schedule(after, Due::Arrival(wire, self.said.len() - 1));
        if matches!(said, Said::End) {
            self.leave(wire);
        }
    }

    /// The client is done with a connection.
    fn leave(&mut self, wire: usize) {
        let client = self.wires[wire].actor;
        self.wires[wire].is_left = true;
        if self.clients[client].wire == Some(wire) {
            self.clients[client].wire = None;
            self.come_back(client);
        }
    }

    fn come_back(&mut self, client: usize) {
        if let Some(after) = self.clients[client].actor.temper.returns
            && !self.is_ending
            && !std::mem::replace(&mut self.clients[client].is_returning, true)
        {
            self.schedule(after, Due::Return(client));
        }
    }

    pub(super) fn resume(&mut self, client: usize) {
        self.clients[client].is_stalled = false;
        if let Some(wire) = self.clients[client].wire {
            self.read_soon(wire);
        }
    }

    /// The connection breaks; both ends notice at once.
    pub(super) fn lose(&mut self, client: usize) {
        let Some(wire) = self.clients[client].wire else { return };
        if self.wires[wire].is_held {
            if !self.wires[wire].socket.is_empty() {
                self.reached.count(Moment::UnreadInSocket);
            }
            let conn = self.wires[wire].conn;
            self.feed(Input::Disconnected { conn });
            if self.wires[wire].is_held {
                self.let_go(wire);
            }
        }
    }

    /// The adapter drops the socket: what was written and not read is lost.
    pub(super) fn let_go(&mut self, wire: usize) {
        self.held.remove(&wire);
        let dropped = &mut self.wires[wire];
        dropped.is_held = false;
        dropped.told = false;
        dropped.inbox.clear();
        dropped.socket.clear();
        if let Some(successor) = dropped.successor {
            let newer_is_there = self.wires[successor].is_held;
            self.reached.count(if newer_is_there {
                Moment::OlderFirst
            } else {
                Moment::NewerFirst
            });
        }
        if !self.wires[wire].is_left {
            self.leave(wire);
        }
    }

    pub(super) fn read_soon(&mut self, wire: usize) {
        let reader = &self.wires[wire];
        let client = &self.clients[reader.actor];
        if reader.socket.is_empty() || reader.is_reading || client.is_stalled {
            return;
        }
        let latency = client.actor.latency;
        self.wires[wire].is_reading = true;
        self.schedule(latency, Due::Read(wire));
    }

    /// A client reads its next frame.
    pub(super) fn read(&mut self, wire: usize) {
        self.wires[wire].is_reading = false;
        let client = self.wires[wire].actor;
        if self.clients[client].is_stalled {
            return;
        }
        let Some(frame) = self.wires[wire].socket.pop_front() else { return };
        let actor = self.clients[client].actor;
        self.add_to_digest(wire, &frame);
        self.wires[wire].owed.receive(&frame, names::uid(actor.uid).as_str(), &self.posted);
        match frame {
            Frame::Ping if actor.temper.answers_pings && !self.wires[wire].is_left => {
                self.say(client, Said::Heard(6));
            }
            Frame::Close(_) if actor.temper.says_goodbye && !self.wires[wire].is_left => {
                self.say(client, Said::End);
            }
            _ => {}
        }
        self.read_soon(wire);
        // The bug that has to be found: it is forgotten that there is more to come.
        if self.wires[wire].told && !self.canary {
            self.pull_soon(wire);
        }
    }

    fn add_to_digest(&mut self, wire: usize, frame: &Frame<Message>) {
        let (kind, number) = match frame {
            Frame::LoggedIn { .. } => (1, 0),
            Frame::Message { seq, .. } => (2, *seq),
            Frame::Gap { missed } => (3, *missed),
            Frame::Problem(_) => (4, 0),
            Frame::Ping => (5, 0),
            Frame::Close(reason) => (6, u64::from(reason.code().unwrap_or(0))),
        };
        self.frames += 1;
        for word in [wire as u64, self.now, kind, number] {
            self.digest.write_u64(word);
        }
    }
}
