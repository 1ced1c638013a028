//! Steps the hub and its model side by side.

mod fork;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    panic::{self, AssertUnwindSafe},
};

use switchboard_core::{
    Config, ConnId, Hub, Input, Instant, Kick, Output, Problem, Request, Stage, Ticket, Verdict,
};

use crate::{Message, Op, Pair, pair::agree};

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
            if let Some(hub) = replace(step, world.pair.hub()) {
                world.pair.hub = hub;
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

/// The hub and its model, and what an adapter knows.
pub struct World {
    pair: Pair,
    clock: Instant,
    slots: [ConnId; Op::SLOTS],
    /// The last one of each connection.
    tickets: BTreeMap<ConnId, Ticket>,
    messages: u32,
}

impl World {
    /// Empty hubs, and the model of one.
    pub fn new(config: Config) -> Self {
        let clock = Instant::from_micros(1_000_000);
        Self {
            pair: Pair::new(config, clock, Op::SLOTS),
            clock,
            slots: Default::default(),
            tickets: BTreeMap::new(),
            messages: 0,
        }
    }

    /// Does one thing.
    ///
    /// # Panics
    /// If the hubs and the model differ in what comes of it.
    pub fn step(&mut self, op: Op) {
        match op {
            Op::Serve => self.serve(),
            Op::Enter { slot, uid, address } => {
                let conn = self.slots[slot];
                if self.pair.hub().stage(conn) == Stage::Closing {
                    if self.pair.is_known(conn) {
                        self.input(Input::Disconnected { conn });
                    }
                    self.connect(slot, address);
                }
                match self.pair.hub().stage(self.slots[slot]) {
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
            Op::Push { to, size } => {
                let payload = self.next_message(size);
                drop(self.pair.push(self.clock, to, payload));
            }
            Op::Kick { uid } => {
                let kick = Kick::new(4242, "enough").expect("a kick");
                self.pair.kick(self.clock, uid, &kick);
            }
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
        if !self.pair.is_known(self.slots[slot])
            && let Ok(id) = self.pair.connect(self.clock, address)
        {
            self.slots[slot] = id;
        }
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
        self.pair.handle(self.clock, input);
    }

    fn pull(&mut self, conn: ConnId, frames: usize) {
        for _ in 0..frames {
            if self.pair.poll_frame(conn).is_none() {
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
        let output = self.pair.poll_output();
        if let Some(Output::Check { ticket, conn, .. }) = output {
            self.tickets.insert(conn, ticket);
        }
        output
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
        for conn in self.pair.told() {
            self.pull(conn, usize::MAX);
            if self.pair.hub().stage(conn) == Stage::Closing {
                self.input(Input::Disconnected { conn });
            }
        }
    }

    /// Compares all that can be seen.
    ///
    /// # Panics
    /// If the hubs and the model differ, or a hub is not consistent.
    pub fn compare(&self) {
        self.pair.compare(self.slots);
    }

    /// A good adapter leaves nobody with anything to read, and a hub without connections is empty.
    ///
    /// # Panics
    /// If the hub does not hold to that.
    pub fn finish(&mut self) {
        self.serve();
        self.compare();
        let model = &self.pair.model;
        let unserved = model.ids().find(|id| model.has_to_read(*id));
        agree("left with something to read", unserved, None);
        for conn in model.ids().collect::<Vec<_>>() {
            self.input(Input::Disconnected { conn });
        }
        self.drain(usize::MAX);
        self.compare();
        self.pair.compare_empty();
    }
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
