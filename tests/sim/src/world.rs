//! A world: plays a plan, in virtual time.

mod adapter;
mod clients;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    hash::Hasher,
    time::Duration,
};

use siphasher::sip::SipHasher13;
use switchboard_core::{ConnId, Input, Instant, Kick, Stage, Ticket};

use crate::{
    actor::Client,
    names,
    oracle::Posted,
    plan::{Adapter, Checked, Plan, Step, What},
    reached::{Moment, Reached},
    subject::Subject,
    wire::{Said, Wire},
};

/// The world's beginning on the adapter's clock, in microseconds.
const BEGIN: u64 = 1_000_000;

/// What is going to happen because of something that has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// What a client said comes in.
    Arrival(usize, usize),
    /// A client reads its next frame.
    Read(usize),
    /// The adapter goes on pulling.
    Pull(usize),
    /// The adapter goes on with outputs.
    Outputs,
    Verdict(usize),
    /// A client comes back.
    Return(usize),
}

pub(crate) struct World {
    subject: Subject,
    adapter: Adapter,
    canary: bool,
    now: u64,
    /// By how much the adapter's clock is behind.
    set_back: u64,
    due: BinaryHeap<Reverse<(u64, u64, Due)>>,
    /// So that what is due at one time happens in the order in which it came up.
    number: u64,
    clients: Vec<Client>,
    wires: Vec<Wire>,
    by_conn: BTreeMap<ConnId, usize>,
    /// Those that the adapter holds.
    held: BTreeMap<usize, ConnId>,
    said: Vec<Said>,
    checks: Vec<(Ticket, usize)>,
    is_draining: bool,
    /// Nobody comes back, and nobody stalls.
    is_ending: bool,
    posted: Posted,
    frames: u64,
    digest: SipHasher13,
    pub(crate) reached: Reached,
}

/// What became of a world.
pub(crate) struct Played {
    pub(crate) inputs: u64,
    pub(crate) frames: u64,
    /// Of all frames that clients were given.
    pub(crate) digest: u64,
    pub(crate) reached: Reached,
}

/// Plays a plan.
///
/// # Panics
/// If the hub does what it should not.
pub(crate) fn play(plan: &Plan) -> Played {
    let mut world = World::new(plan);
    for step in &plan.steps {
        world.pass_until(step.at);
        world.happen(step);
    }
    world.end();
    let stats = world.subject.hub().stats();
    world.reached.note(world.subject.marks(), stats.closed.iter());
    Played {
        inputs: world.subject.inputs(),
        frames: world.frames,
        digest: world.digest.finish(),
        reached: world.reached,
    }
}

impl World {
    fn new(plan: &Plan) -> Self {
        let begin = Instant::from_micros(BEGIN);
        let members = plan.config.max_connections.min(4096);
        Self {
            subject: Subject::new(plan.config.clone(), plan.beside, begin, members),
            adapter: plan.adapter,
            canary: plan.canary,
            now: BEGIN,
            set_back: 0,
            due: BinaryHeap::new(),
            number: 0,
            clients: plan.actors.iter().copied().map(Client::new).collect(),
            wires: Vec::new(),
            by_conn: BTreeMap::new(),
            held: BTreeMap::new(),
            said: Vec::new(),
            checks: Vec::new(),
            is_draining: false,
            is_ending: false,
            posted: Posted::default(),
            frames: 0,
            digest: SipHasher13::new(),
            reached: Reached::default(),
        }
    }

    /// What the adapter's clock says.
    fn clock(&self) -> Instant {
        Instant::from_micros(self.now.saturating_sub(self.set_back))
    }

    fn schedule(&mut self, after: u64, due: Due) {
        self.number += 1;
        self.due.push(Reverse((self.now.saturating_add(after), self.number, due)));
    }

    /// Lets time pass, and what comes up in the meantime happen.
    fn pass_until(&mut self, at: u64) {
        while self.next_due().is_some_and(|next| next <= at) {
            self.come_up();
        }
        self.now = self.now.max(at);
    }

    /// When there is something to do next.
    fn next_due(&self) -> Option<u64> {
        let due = self.due.peek().map(|Reverse((at, ..))| *at);
        due.into_iter().chain(self.deadline()).min()
    }

    /// When the adapter feeds the next timeout. In the end it does not, or pings would go on for ever.
    fn deadline(&self) -> Option<u64> {
        if self.is_ending {
            return None;
        }
        let at = self.subject.hub().poll_timeout()?.at.as_micros();
        Some(at.saturating_add(self.set_back).saturating_add(self.adapter.late))
    }

    fn come_up(&mut self) {
        let due = self.due.peek().map(|Reverse((at, ..))| *at);
        if let Some(at) = self.deadline()
            && due.is_none_or(|due| at < due)
        {
            self.now = self.now.max(at);
            self.feed(Input::Timeout);
            return;
        }
        let Some(Reverse((at, _, due))) = self.due.pop() else { return };
        self.now = self.now.max(at);
        match due {
            Due::Arrival(wire, said) => self.arrive(wire, self.said[said]),
            Due::Read(wire) => self.read(wire),
            Due::Pull(wire) => self.pull(wire),
            Due::Outputs => {
                self.is_draining = false;
                self.drain();
            }
            Due::Verdict(check) => self.answer(check),
            Due::Return(client) => {
                self.clients[client].is_returning = false;
                self.connect(client);
            }
        }
    }

    fn happen(&mut self, step: &Step) {
        match step.what {
            What::Connect(client) => self.connect(client),
            What::Say(client, to, size) => self.say(client, Said::Send(to, size)),
            What::Join(client, group) => self.say(client, Said::Join(group)),
            What::Leave(client, group) => self.say(client, Said::Leave(group)),
            What::Nonsense(client) => self.say(client, Said::Nonsense),
            What::LogIn(client) => self.say(client, Said::LogIn),
            What::Heard(client, size) => self.say(client, Said::Heard(size)),
            What::Call(client) => self.say(client, Said::Call),
            What::Address(client) => self.say(client, Said::Address),
            What::Fault(client, fault) => self.say(client, Said::Fault(fault)),
            What::Close(client) => self.say(client, Said::Close),
            What::Stall(client) => self.clients[client].is_stalled = true,
            What::Resume(client) => self.resume(client),
            What::Lose(client) => self.lose(client),
            What::Push(to, size) => {
                let message = self.posted.next(size);
                let clock = self.clock();
                if self.subject.push(clock, names::target(to), message).is_ok() {
                    self.posted.taken(to, message);
                }
                self.drain();
            }
            What::Kick(uid) => {
                let kick = Kick::new(4242, "enough").expect("a kick");
                let clock = self.clock();
                let open = self.open_as(uid);
                self.subject.kick(clock, names::uid(uid), &kick);
                self.note_ends(&open);
                self.drain();
            }
            What::Sleep(time) => {
                self.reached.count(Moment::Slept);
                self.now = self.now.saturating_add(micros(time));
            }
            What::SetBack(time) => {
                self.reached.count(Moment::ClockSetBack);
                self.set_back = micros(time);
            }
            What::Shutdown(over) => self.feed(Input::Shutdown { over }),
        }
        if !matches!(step.what, What::SetBack(_)) {
            self.set_back = 0;
        }
        self.subject.check(self.held.values().copied());
    }

    /// All is read, and nobody is owed anything. Then all connections end, and nothing remains.
    fn end(&mut self) {
        self.is_ending = true;
        for client in 0..self.clients.len() {
            self.resume(client);
        }
        for wire in 0..self.wires.len() {
            self.read_soon(wire);
        }
        while let Some(Reverse((at, ..))) = self.due.peek().copied() {
            self.pass_until(at);
        }
        let held: Vec<usize> = self.held.keys().copied().collect();
        for wire in held {
            let Wire { conn, ref owed, told, ref socket, .. } = self.wires[wire];
            assert!(socket.is_empty(), "all is read");
            assert!(!told, "{conn:?} was told, and not pulled empty");
            if self.subject.hub().stage(conn) == Stage::Open {
                owed.settle_now(&self.posted);
                self.reached.count(Moment::Settled);
            }
            self.feed(Input::Disconnected { conn });
            self.let_go(wire);
        }
        while self.drain_some() {}
        self.subject.check_empty();
    }

    /// The connections that are logged in as somebody.
    fn open_as(&self, uid: usize) -> Vec<usize> {
        let hub = self.subject.hub();
        let open = self.held.iter().filter(|&(&wire, &conn)| {
            self.clients[self.wires[wire].actor].actor.uid == uid && hub.stage(conn) == Stage::Open
        });
        open.map(|(&wire, _)| wire).collect()
    }

    /// Notes where the messages end of those connections that the hub has just taken out of all
    /// routing. Returns them.
    fn note_ends(&mut self, open: &[usize]) -> Vec<usize> {
        let mut ended = open.to_vec();
        ended.retain(|&wire| self.subject.hub().stage(self.wires[wire].conn) == Stage::Closing);
        for &wire in &ended {
            self.wires[wire].owed.end(&self.posted);
        }
        ended
    }

    fn answer(&mut self, check: usize) {
        let (ticket, wire) = self.checks[check];
        let client = self.wires[wire].actor;
        let (Checked::Accepted { .. } | Checked::Denied { .. }) =
            self.clients[client].actor.verdict
        else {
            return;
        };
        if !self.wires[wire].is_held {
            self.reached.count(Moment::LateVerdict);
        }
        let verdict = self.clients[client].verdict();
        self.feed_for(wire, Input::Verdict { ticket, verdict });
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
