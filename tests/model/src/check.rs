//! Steps the hub and its model side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    net::IpAddr,
    panic::{self, AssertUnwindSafe},
};

use switchboard_core::{
    CloseReason, Closes, Config, ConnId, Event, Hub, Input, Instant, Kick, Name, Output, Problem,
    Request, Session, Stage, Target, Ticket, Verdict,
};

use crate::{Message, Model, Op, wakeups::Wakeups};

/// Applies `ops` to a new hub, to another with a different seed, and to their model.
///
/// # Panics
/// If they differ in anything that can be seen, or a hub is not consistent.
pub fn run(config: Config, ops: &[Op]) {
    if let Err(account) = try_run(config, ops) {
        panic!("{account}");
    }
}

/// The same, for whoever tries many operations until some fail.
///
/// # Errors
/// Tells what differs or how the hub panicked, and the operations that led there.
pub fn try_run(config: Config, ops: &[Op]) -> Result<(), String> {
    try_run_replaced(config, ops, |_, _| None)
}

/// The same with a hub that `replace` may give for the one that came so far, before each of the
/// operations, which it is told the number of. The other hub stays.
///
/// # Errors
/// As above.
pub fn try_run_replaced(
    config: Config,
    ops: &[Op],
    mut replace: impl FnMut(usize, &Hub<Message>) -> Option<Hub<Message>>,
) -> Result<(), String> {
    let mut step = 0;
    let steps = AssertUnwindSafe(|| {
        let mut world = World::new(config.clone());
        for op in ops {
            if let Some(hub) = replace(step, &world.hub) {
                world.hub = hub;
                world.compare();
            }
            world.step(*op);
            world.compare();
            step += 1;
        }
        world.finish();
    });
    panic::catch_unwind(steps).map_err(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str);
        let why = why.or(panic.downcast_ref::<&str>().copied());
        account(why.unwrap_or("a panic"), &config, ops, step)
    })
}

/// The hubs, the model, and what an adapter knows.
struct World {
    hub: Hub<Message>,
    /// The seed must make no difference.
    twin: Hub<Message>,
    model: Model,
    wakeups: Wakeups,
    clock: Instant,
    slots: [ConnId; Op::SLOTS],
    ids: BTreeSet<ConnId>,
    /// The last one of each connection.
    tickets: BTreeMap<ConnId, Ticket>,
    messages: u32,
}

impl World {
    fn new(config: Config) -> Self {
        let clock = Instant::from_micros(1_000_000);
        Self {
            hub: Hub::new(config.clone(), 1, clock),
            twin: Hub::new(config.clone(), 2, clock),
            model: Model::new(config, clock),
            wakeups: Wakeups::default(),
            clock,
            slots: Default::default(),
            ids: BTreeSet::new(),
            tickets: BTreeMap::new(),
            messages: 0,
        }
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Serve => self.serve(),
            Op::Enter { slot, uid, address } => {
                let conn = self.slots[slot];
                if self.model.stage(conn) == Stage::Closing {
                    if self.is_known(conn) {
                        self.input(Input::Disconnected { conn });
                    }
                    self.connect(slot, address);
                }
                match self.model.stage(self.slots[slot]) {
                    Stage::Login => self.request(slot, Request::Login(uid)),
                    Stage::Credential => {
                        self.authenticate(slot, 1);
                        self.drain(usize::MAX);
                        self.verdict(slot, Verdict::Accepted(uid));
                    }
                    Stage::Open | Stage::Closing => {}
                }
            }
            Op::Connect { slot, address } => self.connect(slot, address),
            Op::Address { slot, address } => {
                let conn = self.slots[slot];
                self.input(Input::Address { conn, address });
            }
            Op::Login { slot, uid } => self.request(slot, Request::Login(uid)),
            Op::Authenticate { slot, size } => self.authenticate(slot, size),
            Op::Verdict { slot, verdict } => self.verdict(slot, verdict),
            Op::Send { slot, to, size } => {
                let payload = self.next_message(size);
                self.request(slot, Request::Send { to, payload });
            }
            Op::Pull { slot, frames } => self.pull(self.slots[slot], frames),
            Op::Drain { outputs } => self.drain(outputs),
            Op::Join { slot, group } => self.request(slot, Request::Join(group)),
            Op::Leave { slot, group } => self.request(slot, Request::Leave(group)),
            Op::Invalid { slot } => {
                self.request(slot, Request::Invalid(Problem::ExpectedUidMessage));
            }
            Op::Heard { slot, size } => {
                let conn = self.slots[slot];
                self.input(Input::Heard { conn, size });
            }
            Op::Called { slot } => {
                let conn = self.slots[slot];
                self.input(Input::Called { conn });
            }
            Op::Push { to, size } => self.push(to, size),
            Op::Kick { uid } => self.kick(uid),
            Op::Fault { slot, fault } => {
                let conn = self.slots[slot];
                self.input(Input::Fault { conn, fault });
            }
            Op::PeerClosed { slot } => {
                let conn = self.slots[slot];
                self.input(Input::PeerClosed { conn });
            }
            Op::Disconnected { slot } => {
                let conn = self.slots[slot];
                self.input(Input::Disconnected { conn });
            }
            Op::Advance { by } => self.clock = self.clock + by,
            Op::Tick { by } => {
                self.clock = self.clock + by;
                self.input(Input::Timeout);
            }
            Op::Rewind { by } => {
                let since_zero = self.clock.saturating_since(Instant::ZERO);
                self.clock = Instant::ZERO + since_zero.saturating_sub(by);
            }
            Op::Timeout => self.input(Input::Timeout),
            Op::Shutdown { over } => self.input(Input::Shutdown { over }),
        }
    }

    fn connect(&mut self, slot: usize, address: Option<IpAddr>) {
        if self.is_known(self.slots[slot]) {
            return;
        }
        let connected = self.hub.connect(self.clock, address);
        agree("the twin's connect", self.twin.connect(self.clock, address), connected);
        agree("connect", connected.err(), self.model.refusal(address));
        self.model.connect(self.clock, connected.ok(), address);
        if let Ok(id) = connected {
            assert!(self.ids.insert(id), "{id:?} was given out twice");
            self.slots[slot] = id;
        }
        self.wakeups.observe(&self.model);
    }

    fn is_known(&self, conn: ConnId) -> bool {
        self.model.ids().any(|id| id == conn)
    }

    fn request(&mut self, slot: usize, request: Request<'static, Message>) {
        let conn = self.slots[slot];
        let size = match &request {
            Request::Send { payload, .. } => payload.size + 2,
            _ => 1,
        };
        self.input(Input::Request { conn, request, size });
    }

    fn next_message(&mut self, size: usize) -> Message {
        self.messages += 1;
        Message { id: self.messages, size }
    }

    fn authenticate(&mut self, slot: usize, size: usize) {
        let credential = self.next_message(size);
        self.request(slot, Request::Authenticate(credential));
    }

    fn verdict(&mut self, slot: usize, verdict: Verdict<'static>) {
        if let Some(ticket) = self.tickets.get(&self.slots[slot]).copied() {
            self.input(Input::Verdict { ticket, verdict });
        }
    }

    fn input(&mut self, input: Input<'static, Message>) {
        let before = self.hub.stats().accepted;
        self.hub.handle(self.clock, input.clone());
        self.twin.handle(self.clock, input.clone());
        self.model.handle(self.clock, input);
        if self.hub.stats().accepted > before {
            self.wakeups.accepted();
        }
        self.wakeups.observe(&self.model);
    }

    fn push(&mut self, to: Target<'static>, size: usize) {
        let payload = self.next_message(size);
        // As an input to the one and as a call to the other, which should be the same.
        let taken = self.hub.push(self.clock, to, payload);
        self.twin.handle(self.clock, Input::Push { to, payload });
        if taken.is_ok() {
            self.wakeups.accepted();
        }
        agree("push", taken, self.model.push(self.clock, to, payload));
        self.wakeups.observe(&self.model);
    }

    fn kick(&mut self, uid: Name<'static>) {
        let kick = Kick::new(4242, "enough").expect("a kick");
        let kicked = self.hub.kick(self.clock, uid, &kick);
        self.twin.handle(self.clock, Input::Kick { uid, kick: kick.clone() });
        agree("kick", kicked, self.model.kick(self.clock, uid.as_str(), &kick));
        self.wakeups.observe(&self.model);
    }

    fn pull(&mut self, conn: ConnId, frames: usize) {
        for _ in 0..frames {
            let frame = self.hub.poll_frame(conn);
            agree("the twin's frame", &self.twin.poll_frame(conn), &frame);
            agree("frame", &frame, &self.model.poll_frame(conn));
            self.wakeups.observe(&self.model);
            if frame.is_none() {
                self.wakeups.emptied(conn);
                return;
            }
        }
    }

    fn drain(&mut self, outputs: usize) {
        for _ in 0..outputs {
            if self.poll_output().is_none() {
                return;
            }
        }
    }

    fn poll_output(&mut self) -> Option<Output<Message>> {
        let output = self.hub.poll_output();
        agree("the twin's output", &self.twin.poll_output(), &output);
        self.follow_close(output.as_ref());
        self.wakeups.observe(&self.model);
        if let Some(Output::Ready { conn }) = output {
            if let Err(why) = self.wakeups.ready(conn) {
                panic!("{conn:?} was told to be ready, but {why}");
            }
            return output;
        }
        let ticket = match output {
            Some(Output::Check { ticket, conn, .. }) => {
                self.tickets.insert(conn, ticket);
                Some(ticket)
            }
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

    /// Has the model close the connection that the hub closed in the course of its outputs.
    fn follow_close(&mut self, output: Option<&Output<Message>>) {
        let hub = &self.hub;
        let differs = |id: &ConnId| hub.stage(*id) != self.model.stage(*id);
        let closed: Vec<_> = self.model.ids().filter(differs).collect();
        assert!(closed.len() <= 1, "one output closed all of {closed:?}");
        for closed in closed {
            agree("stage", hub.stage(closed), Stage::Closing);
            let reason = match output {
                Some(Output::Event(Event::Closed { conn, reason, .. })) if *conn == closed => {
                    reason.clone()
                }
                // It is a walk that went on to tell somebody else.
                _ => CloseReason::TooSlow,
            };
            if let Err(why) = self.model.close_at_output(closed, reason) {
                panic!("{why}");
            }
        }
    }

    fn serve(&mut self) {
        // What is pulled can lead to further outputs.
        while self.poll_output().is_some() {
            self.drain(usize::MAX);
            self.pull_told();
        }
        self.pull_told();
        self.drain(usize::MAX);
    }

    fn pull_told(&mut self) {
        for conn in self.wakeups.told() {
            self.pull(conn, usize::MAX);
            if self.model.stage(conn) == Stage::Closing {
                self.input(Input::Disconnected { conn });
            }
        }
    }

    fn compare(&self) {
        let (hub, model) = (&self.hub, &self.model);
        hub.assert_consistent();
        self.compare_stats();
        self.compare_presence();
        agree("timeout", hub.poll_timeout(), model.poll_timeout());
        agree("the twin's timeout", self.twin.poll_timeout(), hub.poll_timeout());
        agree("the twin's stats", self.twin.stats(), hub.stats());
        for &conn in &self.slots {
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

    /// A good adapter leaves nobody with anything to read, and a hub without connections is empty.
    fn finish(&mut self) {
        self.serve();
        self.compare();
        let unserved = self.model.ids().find(|id| self.model.has_to_read(*id));
        agree("left with something to read", unserved, None);
        for conn in self.model.ids().collect::<Vec<_>>() {
            self.input(Input::Disconnected { conn });
        }
        self.drain(usize::MAX);
        self.compare();
        let stats = self.hub.stats();
        let left = [stats.connections, stats.users, stats.groups];
        agree("what is left", left, [0; 3]);
        agree("bytes left", stats.payload_bytes, 0);
        agree("the last deadline", self.hub.poll_timeout(), None);
    }
}

#[track_caller]
fn agree<T: PartialEq + Debug>(what: &str, hub: T, model: T) {
    assert!(hub == model, "{what}\n    is        {hub:?}\n    should be {model:?}");
}

fn account(why: &str, config: &Config, ops: &[Op], step: usize) -> String {
    let mut account = format!("{why}\nwith {config:#?}\nafter\n");
    for (index, op) in ops.iter().take(step + 1).enumerate() {
        account += &format!("{index:4} {op:?}\n");
    }
    if step == ops.len() {
        account += "     and at the end, when all was to be served and closed\n";
    }
    account
}
