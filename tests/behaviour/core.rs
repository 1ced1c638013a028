//! The table's rows through the core alone: no socket, no thread, and time that passes when
//! somebody waits.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use switchboard_core::{
    ConnId, Fault, Frame, Hub, Input, Instant, Output,
    text::{self, Printed},
};

use crate::{
    World,
    table::{Row, Step},
};

pub(crate) struct CoreWorld {
    hub: Hub<Arc<str>>,
    now: Instant,
    max_message: usize,
    clients: BTreeMap<&'static str, Peer>,
}

/// A client, with what an adapter knows of it.
struct Peer {
    conn: ConnId,
    /// The hub has said that there is something to pull.
    ready: bool,
}

impl CoreWorld {
    pub(crate) fn new(row: &Row) -> Self {
        let (settings, now) = (row.with.settings(), Instant::ZERO);
        let hub = Hub::new(settings.hub_config(), 1, now);
        Self { hub, now, max_message: settings.max_message, clients: BTreeMap::new() }
    }

    fn handle(&mut self, input: Input<'_, Arc<str>>) {
        self.hub.handle(self.now, input);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Ready { conn } => {
                    let peer = self.clients.values_mut().find(|peer| peer.conn == conn);
                    peer.expect("the hub names a connection that exists").ready = true;
                }
                Output::Drop { .. } | Output::Check { .. } | Output::Event(_) => {}
            }
        }
        self.hub.assert_consistent();
    }

    fn says(&mut self, who: &str, text: &str) {
        let conn = self.clients[who].conn;
        if text.len() > self.max_message {
            return self.handle(Input::Fault { conn, fault: Fault::TooLarge });
        }
        let request = text::parse(self.hub.stage(conn), text).map_payload(Arc::from);
        self.handle(Input::Request { conn, request, size: text.len() });
    }

    /// What comes next, waiting for the hub's deadlines if it takes that.
    fn hear(&mut self, who: &str) -> Printed<Arc<str>> {
        loop {
            let peer = self.clients.get_mut(who).expect("it has connected");
            if peer.ready {
                match self.hub.poll_frame(peer.conn) {
                    // A client's WebSocket library answers pings.
                    Some(Frame::Ping) => {
                        let conn = peer.conn;
                        self.handle(Input::Heard { conn, size: 0 });
                    }
                    Some(frame) => return text::print(frame),
                    None => peer.ready = false,
                }
            } else {
                let deadline = self.hub.poll_timeout().expect("something to wait for");
                self.now = deadline.at;
                self.handle(Input::Timeout);
            }
        }
    }

    fn hears(&mut self, who: &str) -> String {
        match self.hear(who) {
            Printed::Payload(text) => text.to_string(),
            Printed::Line(line) => line,
            other => panic!("expected a text, got {other:?}"),
        }
    }
}

impl World for CoreWorld {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Connects(who) => {
                let conn = self.hub.connect(self.now, None).expect("room for a connection");
                self.clients.insert(who, Peer { conn, ready: false });
                self.settle();
            }
            Step::LogsIn(who) => {
                self.step(&Step::Connects(who));
                self.says(who, who);
                assert_eq!(self.hears(who), format!("login success, your uid is {who}"));
            }
            Step::Says(who, text) => self.says(who, text),
            Step::SaysLong(who, to, len) => self.says(who, &format!("{to}:{}", "x".repeat(len))),
            Step::Faults(who, fault) => {
                let conn = self.clients[who].conn;
                self.handle(Input::Fault { conn, fault });
            }
            Step::Leaves(who) => {
                let conn = self.clients.remove(who).expect("it has connected").conn;
                self.hub.handle(self.now, Input::PeerClosed { conn });
                self.handle(Input::Disconnected { conn });
            }
            Step::Hears(who, text) => assert_eq!(self.hears(who), text),
            Step::HearsLong(who, len) => assert_eq!(self.hears(who).len(), len),
            Step::HearsClose(who, code) => match self.hear(who) {
                Printed::Close(reason) => assert_eq!(reason.code(), Some(code)),
                other => panic!("expected a close, got {other:?}"),
            },
            Step::ServerStops => self.handle(Input::Shutdown { over: Duration::ZERO }),
        }
    }
}
