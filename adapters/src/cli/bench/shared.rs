//! What the threads share.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread::Thread,
};

use mio::Waker;

use super::{clock::Clock, connection::Door, flights::Flights, plan::Plan};

/// What all threads do. Each phase follows the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    /// Connect and log in.
    Connect,
    /// Send.
    Run,
    /// Receive what is on the way.
    Drain,
    /// Say goodbye.
    Close,
    End,
}

const PHASES: [Phase; 5] = [Phase::Connect, Phase::Run, Phase::Drain, Phase::Close, Phase::End];

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Plan,
    /// What marks the run's messages.
    pub(super) run: u32,
    pub(super) prefix: String,
    /// Bytes of a message.
    pub(super) size: usize,
    /// Connections that are begun in a second.
    pub(super) connect_rate: Option<f64>,
    pub(super) connect_concurrency: usize,
    /// Nanoseconds.
    pub(super) timeout: u64,
    pub(super) door: Door,
    pub(super) clock: Clock,
    pub(super) flights: Flights,
    phase: AtomicU8,
    /// When the phase `Run` began.
    pub(super) start: AtomicU64,
    pub(super) logged_in: AtomicUsize,
    alive: Vec<AtomicBool>,
    pub(super) alive_count: AtomicUsize,
    /// Messages that were sent and count.
    pub(super) sent: AtomicU64,
    pub(super) expected: AtomicU64,
    pub(super) received: AtomicU64,
    /// Messages that are to be sent, of a given number of them, so far.
    pub(super) drawn: AtomicU64,
    /// Threads that send no more.
    pub(super) finished: AtomicUsize,
    failure: Mutex<Option<String>>,
    /// Who decides on the phases.
    pub(super) conductor: Thread,
    pub(super) wakers: Vec<Waker>,
}

/// What [`Shared`] begins with.
pub(super) struct Setup {
    pub(super) plan: Plan,
    pub(super) run: u32,
    pub(super) prefix: String,
    pub(super) size: usize,
    pub(super) connect_rate: Option<f64>,
    pub(super) connect_concurrency: usize,
    pub(super) timeout: u64,
    pub(super) door: Door,
    pub(super) wakers: Vec<Waker>,
}

impl Shared {
    /// The calling thread decides on the phases.
    pub(super) fn new(setup: Setup) -> Self {
        let Setup { plan, run, prefix, size, connect_rate, connect_concurrency, .. } = setup;
        Self {
            flights: Flights::new(plan.threads),
            alive: (0..plan.users).map(|_| AtomicBool::new(false)).collect(),
            plan,
            run,
            prefix,
            size,
            connect_rate,
            connect_concurrency,
            timeout: setup.timeout,
            door: setup.door,
            clock: Clock::start(),
            phase: AtomicU8::new(Phase::Connect as u8),
            start: AtomicU64::new(0),
            logged_in: AtomicUsize::new(0),
            alive_count: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            received: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
            finished: AtomicUsize::new(0),
            failure: Mutex::new(None),
            conductor: std::thread::current(),
            wakers: setup.wakers,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(SeqCst))]
    }

    /// Goes on to a phase, unless it is over already.
    pub(super) fn enter(&self, phase: Phase) -> io::Result<()> {
        if phase == Phase::Run {
            self.start.store(self.clock.now(), SeqCst);
        }
        self.phase.fetch_max(phase as u8, SeqCst);
        self.wakers.iter().try_for_each(Waker::wake)
    }

    pub(super) fn uid(&self, user: usize) -> String {
        format!("{}{user}", self.prefix)
    }

    pub(super) fn set_alive(&self, user: usize, is_alive: bool) {
        if self.alive[user].swap(is_alive, SeqCst) != is_alive {
            if is_alive {
                self.alive_count.fetch_add(1, SeqCst);
            } else {
                self.alive_count.fetch_sub(1, SeqCst);
            }
        }
    }

    pub(super) fn is_alive(&self, user: usize) -> bool {
        self.alive[user].load(SeqCst)
    }

    /// The first user from this one on, in steps of `step`, that has a connection. The steps lead
    /// around in the end.
    pub(super) fn alive_from(&self, user: usize, step: usize) -> Option<usize> {
        let users = self.alive.len();
        let around = (user..users).step_by(step).chain((user % step..user).step_by(step));
        around.into_iter().find(|user| self.is_alive(*user))
    }

    /// Says why there can be no run. The first reason counts.
    pub(super) fn fail(&self, why: String) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.conductor.unpark();
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
