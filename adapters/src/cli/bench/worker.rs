//! A thread: its users' connections, and the loop that serves them.

use std::{io, sync::atomic::Ordering::SeqCst, time::Duration};

use mio::{Events, Interest, Poll, Token};

use super::{
    clock,
    connection::{Connection, End, Heard, Limit},
    ears::Ears,
    plan::share_of,
    recorder::Recorder,
    sender::Sender,
    shared::{Phase, Shared},
    timer::Timer,
};

/// What is polled besides connections.
pub(super) const WAKER: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);

/// How long a server has to close its side. Who closes first keeps the port for a minute, and a
/// server needs none.
const GOODBYE: u64 = 2_000_000_000;

/// How often time limits are looked at.
const TICK: Duration = Duration::from_millis(50);

pub(super) struct Worker<'a> {
    thread: usize,
    shared: &'a Shared,
    poll: Poll,
    timer: Timer,
    /// The users `thread`, `thread + threads` and so on.
    users: Vec<Option<User>>,
    ears: Ears<'a>,
    sender: Sender<'a>,
    buffer: Vec<u8>,
}

pub(super) struct User {
    pub(super) connection: Connection,
    since: u64,
}

impl<'a> Worker<'a> {
    /// One whose poll has been made, with [`WAKER`].
    pub(super) fn new(thread: usize, poll: Poll, shared: &'a Shared) -> io::Result<Self> {
        let timer = Timer::new(poll.registry(), TIMER)?;
        let users = Vec::with_capacity(shared.plan.users_of(thread));
        let (ears, sender) = (Ears::new(shared), Sender::new(thread, shared));
        Ok(Self { thread, shared, poll, timer, users, ears, sender, buffer: vec![0; 64 << 10] })
    }

    /// Goes through all phases.
    pub(super) fn run(mut self) -> io::Result<Recorder> {
        let mut events = Events::with_capacity(1024);
        let mut goodbye = None;
        loop {
            let now = self.shared.clock.now();
            let wait = match self.shared.phase() {
                Phase::Connect => self.connect(now)?,
                Phase::Run => self.sender.run(now, &mut self.users, &mut self.ears),
                Phase::Drain => {
                    self.sender.finish(&mut self.ears);
                    None
                }
                Phase::Close => {
                    let until = *goodbye.get_or_insert_with(|| {
                        self.say_goodbye();
                        now + GOODBYE
                    });
                    if self.users.iter().all(Option::is_none) || now > until {
                        break;
                    }
                    None
                }
                Phase::End => break,
            };
            for user in std::mem::take(&mut self.sender.broken) {
                let (user, end) = user;
                self.end(user, end, Phase::Run);
            }
            self.ears.publish();
            let wait = wait.map_or(TICK, |wait| wait.min(TICK));
            match self.poll.poll(&mut events, self.timer.set(Some(wait))?) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => other?,
            }
            for event in &events {
                if event.token() != WAKER && event.token() != TIMER {
                    self.serve(event);
                }
            }
        }
        self.ears.publish();
        if self.shared.phase() == Phase::End {
            // There is a failure to tell, and many sockets take long to close. The process is about to.
            std::mem::forget(self.users);
        }
        Ok(self.ears.recorder)
    }

    /// Begins the connections that are due. Returns how long none is.
    fn connect(&mut self, now: u64) -> io::Result<Option<Duration>> {
        let plan = &self.shared.plan;
        let at_a_time = share_of(self.shared.connect_concurrency, self.thread, plan.threads).max(1);
        while self.users.len() < plan.users_of(self.thread) && self.ears.pending_count < at_a_time {
            let user = self.thread + self.users.len() * plan.threads;
            if let Some(rate) = self.shared.connect_rate {
                let due = (user as f64 / rate * 1e9) as u64;
                if due > now {
                    return Ok(Some(Duration::from_nanos(due - now)));
                }
            }
            let since = self.shared.clock.now();
            let begun = Connection::begin(&self.shared.door, user);
            self.ears.pending_count += 1;
            self.ears.pending.push_back((user, since));
            match begun {
                Ok(mut connection) => {
                    let (token, interest) =
                        (Token(self.users.len()), Interest::READABLE | Interest::WRITABLE);
                    self.poll.registry().register(&mut connection.stream, token, interest)?;
                    self.users.push(Some(User { connection, since }));
                }
                Err(end) => {
                    self.users.push(None);
                    self.end(user, end, self.shared.phase());
                    return Ok(None);
                }
            }
        }
        self.check_pending(now);
        Ok(None)
    }

    /// Fails if a login takes too long.
    fn check_pending(&mut self, now: u64) {
        while let Some((user, since)) = self.ears.pending.front().copied() {
            if !self.shared.is_alive(user) {
                if now.saturating_sub(since) > self.shared.timeout {
                    let (uid, seconds) =
                        (self.shared.uid(user), clock::seconds(self.shared.timeout));
                    self.shared.fail(format!("{uid} was not logged in after {seconds} s"));
                }
                return;
            }
            self.ears.pending.pop_front();
        }
    }

    fn serve(&mut self, event: &mio::event::Event) {
        let index = event.token().0;
        let Some(Some(user)) = self.users.get_mut(index) else { return };
        let (shared, ears) = (self.shared, &mut self.ears);
        let number = self.thread + index * shared.plan.threads;
        let since = user.since;
        let mut served = Ok(());
        if event.is_writable() {
            served = user.connection.on_writable(&shared.door);
        }
        if served.is_ok() && event.is_readable() {
            let uid =
                if shared.phase() == Phase::Connect { shared.uid(number) } else { String::new() };
            let is_end = event.is_read_closed();
            let mut hear = |heard: Heard<'_>| ears.hear(number, since, &heard);
            let buffer = &mut self.buffer;
            served = user.connection.on_readable(&shared.door, &uid, is_end, buffer, &mut hear);
        }
        if let Err(end) = served {
            self.end(number, end, shared.phase());
        }
    }

    /// A connection is no more, since a phase: when nobody is left, the next ones follow at once.
    fn end(&mut self, user: usize, end: End, phase: Phase) {
        let shared = self.shared;
        if let Some(User { connection, .. }) = &mut self.users[user / shared.plan.threads].take() {
            // Fails if it is gone already.
            drop(self.poll.registry().deregister(&mut connection.stream));
        }
        shared.set_alive(user, false);
        match (phase, end) {
            (Phase::Connect, end) => shared.fail(self.explain(user, end)),
            (Phase::Close | Phase::End, _) => {}
            (_, End::Closed(code)) => self.ears.recorder.closes.count(code),
            (_, End::Broken(why)) => {
                self.ears.recorder.closes.count(1006);
                self.ears.recorder.breaks.count(why);
            }
            (_, End::OutOf(_)) => self.ears.recorder.closes.count(1006),
        }
        if shared.alive_count.load(SeqCst) == 0 {
            shared.conductor.unpark();
        }
    }

    fn explain(&self, user: usize, end: End) -> String {
        let (address, users) = (self.shared.door.address, self.shared.plan.users);
        let logged_in = self.shared.logged_in.load(SeqCst);
        let so_far = match logged_in {
            0 => String::new(),
            some => format!(", after {some} of {users} users had logged in"),
        };
        match end {
            End::Closed(code) => {
                let uid = self.shared.uid(user);
                format!("the server closed the connection of {uid} with {code}{so_far}")
            }
            End::Broken(why) => format!("cannot log in to {address}: {why}{so_far}"),
            End::OutOf(Limit::Files) => format!("too many open files{so_far}; raise ulimit -n"),
            End::OutOf(Limit::Ports) => format!(
                "no ports are left to connect from{so_far}; say --source with several addresses, \
                 such as 127.0.0.2-127.0.0.9, or wait a minute"
            ),
        }
    }

    fn say_goodbye(&mut self) {
        for place in &mut self.users {
            let told = place.as_mut().is_some_and(|user| {
                user.connection.is_websocket() && user.connection.close(1000).is_ok()
            });
            // Who cannot be told is not waited for.
            if !told {
                *place = None;
            }
        }
    }
}
