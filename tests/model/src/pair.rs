//! The hub beside its model: the same calls for both, and what they give is compared.

use std::{collections::BTreeSet, fmt::Debug, net::IpAddr};

use switchboard_core::{
    Closes, Config, ConnId, Frame, Hub, Input, Instant, Kick, Name, Output, Problem, Refused,
    Session, Target,
};

use crate::{Message, Model, wakeups::Wakeups};

/// A hub, another with a different seed, which must make no difference, and their model.
///
/// All calls panic when what the hub gives is not what it should be.
pub struct Pair {
    pub(crate) hub: Hub<Message>,
    twin: Hub<Message>,
    pub(crate) model: Model,
    wakeups: Wakeups,
    ids: BTreeSet<ConnId>,
    /// Members that are visited because of a message, at most.
    members: usize,
}

impl Pair {
    /// New ones, for as many connections at a time as `members`.
    pub fn new(config: Config, now: Instant, members: usize) -> Self {
        Self {
            hub: Hub::new(config.clone(), 1, now),
            twin: Hub::new(config.clone(), 2, now),
            model: Model::new(config, now),
            wakeups: Wakeups::default(),
            ids: BTreeSet::new(),
            members,
        }
    }

    /// The same once more.
    pub(crate) fn fork(&self) -> Self {
        let again = |hub: &Hub<Message>, seed| match Hub::restore(hub.save(), seed) {
            Ok(hub) => hub,
            Err(error) => panic!("{error}"),
        };
        Self {
            hub: again(&self.hub, 1),
            twin: again(&self.twin, 2),
            model: self.model.clone(),
            wakeups: self.wakeups.clone(),
            ids: self.ids.clone(),
            members: self.members,
        }
    }

    /// The hub, for questions that change nothing.
    pub fn hub(&self) -> &Hub<Message> {
        &self.hub
    }

    /// [`Hub::connect`].
    pub fn connect(&mut self, now: Instant, address: Option<IpAddr>) -> Result<ConnId, Refused> {
        let connected = self.hub.connect(now, address);
        agree("the twin's connect", self.twin.connect(now, address), connected);
        agree("connect", connected.err(), self.model.refusal(address));
        self.model.connect(now, connected.ok(), address);
        if let Ok(id) = connected {
            assert!(self.ids.insert(id), "{id:?} was given out twice");
        }
        self.wakeups.observe(&self.model);
        connected
    }

    /// Whether the hub has not forgotten it.
    pub fn is_known(&self, conn: ConnId) -> bool {
        self.model.ids().any(|id| id == conn)
    }

    /// [`Hub::handle`].
    pub fn handle(&mut self, now: Instant, input: Input<'static, Message>) {
        let before = self.hub.stats().accepted;
        self.hub.handle(now, input.clone());
        self.twin.handle(now, input.clone());
        self.model.handle(now, input);
        if self.hub.stats().accepted > before {
            self.wakeups.accepted(self.members);
        }
        self.wakeups.observe(&self.model);
    }

    /// [`Hub::push`] for the one, and as an input for the other, which should be the same.
    ///
    /// # Errors
    /// As the hub's.
    pub fn push(
        &mut self,
        now: Instant,
        to: Target<'static>,
        payload: Message,
    ) -> Result<usize, Problem> {
        let taken = self.hub.push(now, to, payload);
        self.twin.handle(now, Input::Push { to, payload });
        if taken.is_ok() {
            self.wakeups.accepted(self.members);
        }
        agree("push", &taken, &self.model.push(now, to, payload));
        self.wakeups.observe(&self.model);
        taken
    }

    /// [`Hub::kick`] for the one, and as an input for the other.
    pub fn kick(&mut self, now: Instant, uid: Name<'static>, kick: &Kick) -> usize {
        let kicked = self.hub.kick(now, uid, kick);
        self.twin.handle(now, Input::Kick { uid, kick: kick.clone() });
        agree("kick", kicked, self.model.kick(now, uid.as_str(), kick));
        self.wakeups.observe(&self.model);
        kicked
    }

    /// [`Hub::poll_frame`].
    pub fn poll_frame(&mut self, conn: ConnId) -> Option<Frame<Message>> {
        let frame = self.hub.poll_frame(conn);
        agree("the twin's frame", &self.twin.poll_frame(conn), &frame);
        agree("frame", &frame, &self.model.poll_frame(conn));
        self.wakeups.observe(&self.model);
        if frame.is_none() {
            self.wakeups.emptied(conn);
        }
        frame
    }

    /// [`Hub::poll_output`].
    pub fn poll_output(&mut self) -> Option<Output<Message>> {
        let output = self.hub.poll_output();
        agree("the twin's output", &self.twin.poll_output(), &output);
        if let Err(why) = self.model.follow_close(&self.hub, output.as_ref()) {
            panic!("{why}");
        }
        self.wakeups.observe(&self.model);
        if let Some(Output::Ready { conn }) = output {
            if let Err(why) = self.wakeups.ready(conn) {
                panic!("{conn:?} was told to be ready, but {why}");
            }
            return output;
        }
        let ticket = match &output {
            Some(Output::Check { ticket, .. }) => Some(*ticket),
            _ => None,
        };
        agree("output", &output, &self.model.poll_output(ticket));
        if output.is_none() {
            agree("left open", Vec::new(), self.model.overdue());
            if let Err(why) = self.wakeups.drained(&self.model) {
                panic!("{why}");
            }
        }
        output
    }

    /// Those who were told that there is something to read and have not been pulled empty since.
    pub(crate) fn told(&self) -> Vec<ConnId> {
        self.wakeups.told()
    }

    /// Compares all that can be asked of them, about these connections among other things.
    pub fn compare(&self, conns: impl IntoIterator<Item = ConnId>) {
        let (hub, model) = (&self.hub, &self.model);
        hub.assert_consistent();
        self.compare_stats();
        self.compare_presence();
        agree("timeout", hub.poll_timeout(), model.poll_timeout());
        agree("the twin's timeout", self.twin.poll_timeout(), hub.poll_timeout());
        agree("the twin's stats", self.twin.stats(), hub.stats());
        for conn in conns {
            agree("stage", hub.stage(conn), model.stage(conn));
            agree("credit", hub.credit(conn), model.credit(conn));
        }
    }

    fn compare_stats(&self) {
        let stats = self.hub.stats();
        // How many are yet to be told is the hub's affair.
        let mut comparable = stats;
        comparable.wakes = 0;
        comparable.closed = Closes::default();
        agree("stats", comparable, self.model.stats());
        let closed = stats.closed.iter().filter(|(_, count)| *count > 0);
        agree("closed", closed.collect(), self.model.closed());
    }

    fn compare_presence(&self) {
        let (hub, model) = (&self.hub, &self.model);
        let online = model.users();
        let users = hub.users(None).map(|user| (user.uid, user.connections));
        agree("users", users.collect::<Vec<_>>(), online.clone().into_iter().collect());
        for after in ["", "a", "bb", "d"] {
            let users = hub.users(Some(after)).map(|user| user.uid);
            let later = online.keys().copied().filter(|uid| *uid > after);
            agree("users of a page", users.collect::<Vec<_>>(), later.collect());
        }
        for uid in ["a", "b", "c", "d"] {
            let sessions = hub.sessions(Name::new(uid).expect("a name"));
            let mut sessions: Vec<_> = sessions
                .map(|Session { conn, generation, since, heard }| (conn, generation, since, heard))
                .collect();
            sessions.sort_by_key(|(_, generation, ..)| *generation);
            agree("sessions", sessions, model.sessions(uid));
        }
    }

    /// Compares what is left when all connections have ended and the outputs are drained: nothing.
    pub fn compare_empty(&self) {
        let stats = self.hub.stats();
        let left = [stats.connections, stats.users, stats.groups];
        agree("what is left", left, [0; 3]);
        agree("bytes left", stats.payload_bytes, 0);
        agree("the last deadline", self.hub.poll_timeout(), None);
    }
}

#[track_caller]
pub(crate) fn agree<T: PartialEq + Debug>(what: &str, hub: T, model: T) {
    assert!(hub == model, "{what}\n    is        {hub:?}\n    should be {model:?}");
}
