//! The hub that is tested, alone or beside its model.

use std::net::IpAddr;

use switchboard_core::{
    Config, ConnId, Frame, Hub, Input, Instant, Kick, Marks, Name, Output, Problem, Refused, Target,
};
use switchboard_model::{Message, Pair};

/// Calls between looks at whether the hub's parts agree, if there is no model to compare it with.
/// They take time in proportion to everything in it.
const LOOK_EVERY: u64 = 128;

/// A hub, and how many inputs it was given.
pub(crate) struct Subject {
    kind: Kind,
    inputs: u64,
}

enum Kind {
    Alone(Box<Hub<Message>>),
    Beside(Box<Pair>),
}

impl Subject {
    pub(crate) fn new(config: Config, beside: bool, now: Instant, members: usize) -> Self {
        let kind = if beside {
            Kind::Beside(Box::new(Pair::new(config, now, members)))
        } else {
            Kind::Alone(Box::new(Hub::new(config, 7, now)))
        };
        Self { kind, inputs: 0 }
    }

    pub(crate) fn inputs(&self) -> u64 {
        self.inputs
    }

    /// For questions that change nothing.
    pub(crate) fn hub(&self) -> &Hub<Message> {
        match &self.kind {
            Kind::Alone(hub) => hub,
            Kind::Beside(pair) => pair.hub(),
        }
    }

    pub(crate) fn marks(&self) -> &Marks {
        self.hub().marks()
    }

    pub(crate) fn connect(
        &mut self,
        now: Instant,
        address: Option<IpAddr>,
    ) -> Result<ConnId, Refused> {
        self.inputs += 1;
        match &mut self.kind {
            Kind::Alone(hub) => hub.connect(now, address),
            Kind::Beside(pair) => pair.connect(now, address),
        }
    }

    pub(crate) fn handle(&mut self, now: Instant, input: Input<'static, Message>) {
        self.inputs += 1;
        match &mut self.kind {
            Kind::Alone(hub) => hub.handle(now, input),
            Kind::Beside(pair) => pair.handle(now, input),
        }
    }

    pub(crate) fn push(
        &mut self,
        now: Instant,
        to: Target<'static>,
        payload: Message,
    ) -> Result<usize, Problem> {
        self.inputs += 1;
        match &mut self.kind {
            Kind::Alone(hub) => hub.push(now, to, payload),
            Kind::Beside(pair) => pair.push(now, to, payload),
        }
    }

    pub(crate) fn kick(&mut self, now: Instant, uid: Name<'static>, kick: &Kick) -> usize {
        self.inputs += 1;
        match &mut self.kind {
            Kind::Alone(hub) => hub.kick(now, uid, kick),
            Kind::Beside(pair) => pair.kick(now, uid, kick),
        }
    }

    pub(crate) fn poll_frame(&mut self, conn: ConnId) -> Option<Frame<Message>> {
        match &mut self.kind {
            Kind::Alone(hub) => hub.poll_frame(conn),
            Kind::Beside(pair) => pair.poll_frame(conn),
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output<Message>> {
        match &mut self.kind {
            Kind::Alone(hub) => hub.poll_output(),
            Kind::Beside(pair) => pair.poll_output(),
        }
    }

    /// Whether all that it holds agrees; with the model, if there is one.
    pub(crate) fn check(&self, conns: impl IntoIterator<Item = ConnId>) {
        match &self.kind {
            Kind::Alone(hub) if self.inputs.is_multiple_of(LOOK_EVERY) => hub.assert_consistent(),
            Kind::Alone(_) => {}
            Kind::Beside(pair) => pair.compare(conns),
        }
    }

    /// Nothing remains of connections that have ended.
    pub(crate) fn check_empty(&self) {
        let hub = self.hub();
        hub.assert_consistent();
        let stats = hub.stats();
        assert_eq!((stats.connections, stats.logged_in, stats.users), (0, 0, 0), "all have ended");
        assert_eq!((stats.groups, stats.payload_bytes), (0, 0), "nobody has anything to read");
        assert_eq!(hub.poll_timeout(), None, "nobody is left to wait for");
        if let Kind::Beside(pair) = &self.kind {
            pair.compare_empty();
        }
    }
}
