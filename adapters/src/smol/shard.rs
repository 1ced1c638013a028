//! A share of the connections, served by one task.
//!
//! A task for each connection would have each message to many wake as many tasks, one by one, and
//! each would ask the system anew to be told when there is something to read. A shard writes to its
//! connections one after the other, and is told of all of them by one `epoll` (or `kqueue`) that
//! need not be asked again. Nobody holds up the others: turns are short, those who have something
//! to read or to write take them alternately, and no more of the hub's outputs are taken than can be
//! carried out at once.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    net::Shutdown,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use ::smol::{Async, Timer, future};
use mio::{Events, Interest, Token, unix::SourceFd};
use slab::Slab;
use switchboard_core::ConnId;

use super::{
    edge::{Edge, Readiness},
    inbox::{Inbox, Key, Mail, Signal},
};
use crate::{
    exchange::{Exchange, Extension, Next},
    line::Pulled,
    listen,
    listener::Stream,
    nonblocking::{Scratch, Socket, Turn},
    peer::PeerConfig,
};

/// Turns of those who have something to read, and as many of those who have something to write,
/// before the others of the runtime have theirs.
const TURNS_AT_ONCE: usize = 32;

/// Events that the system tells at a time.
const EVENTS_AT_ONCE: usize = 256;

/// The connections of one task.
pub(super) struct Shard {
    exchange: Arc<Exchange<Signal>>,
    /// All of them, for what they drive together.
    inboxes: Arc<[Arc<Inbox>]>,
    index: usize,
    poll: mio::Poll,
    events: Events,
    /// The same `epoll`, as something that the runtime waits for.
    readable: Async<OwnedFd>,
    conns: Slab<Conn>,
    generation: u32,
    mail: Mail,
    scratch: Scratch,
    /// Who has a turn because the socket is ready, and who because the hub has something. Nobody is
    /// in both, or twice in one; some may have ended.
    by_socket: VecDeque<Key>,
    by_hub: VecDeque<Key>,
    pulled: Pulled,
    timer: Timer,
    wakes_at: Option<Instant>,
}

struct Conn {
    key: Key,
    id: ConnId,
    stream: Stream,
    readiness: Readiness,
    socket: Socket,
    /// It is in one of the queues.
    is_queued: bool,
}

impl Shard {
    /// One without connections, the `index`th of those with these inboxes.
    ///
    /// # Errors
    /// The system has no means to tell of sockets.
    pub(super) fn new(
        exchange: Arc<Exchange<Signal>>,
        inboxes: Arc<[Arc<Inbox>]>,
        index: usize,
    ) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let readable = Async::new_nonblocking(poll.registry().as_fd().try_clone_to_owned()?)?;
        Ok(Self {
            exchange,
            inboxes,
            index,
            poll,
            events: Events::with_capacity(EVENTS_AT_ONCE),
            readable,
            conns: Slab::new(),
            generation: 0,
            mail: Mail::default(),
            scratch: Scratch::default(),
            by_socket: VecDeque::new(),
            by_hub: VecDeque::new(),
            pulled: Pulled::default(),
            timer: Timer::never(),
            wakes_at: None,
        })
    }

    /// Serves until the exchange is shut down and everybody is gone.
    pub(super) async fn run(mut self) {
        loop {
            self.take_mail();
            // Not more of the hub's outputs than can be carried out soon.
            let is_busy = self.by_hub.len() >= TURNS_AT_ONCE;
            let next = if is_busy { Next::Again } else { self.exchange.drive() };
            match next {
                Next::Finished => return self.ring_others(),
                // There is work for more than one driver.
                Next::Again if !is_busy => self.ring_others(),
                Next::Again | Next::Wait(_) => {}
            }
            let has_events = self.learn();
            let had_turns = self.give_turns();
            match next {
                Next::Wait(limit) if !has_events && !had_turns => self.wait(limit).await,
                _ => future::yield_now().await,
            }
        }
    }

    fn ring_others(&self) {
        for (index, inbox) in self.inboxes.iter().enumerate() {
            if index != self.index {
                inbox.ring();
            }
        }
    }

    fn take_mail(&mut self) {
        let mut mail = std::mem::take(&mut self.mail);
        self.inboxes[self.index].take(&mut mail);
        for (stream, config) in mail.arrived.drain(..) {
            self.arrive(stream, config);
        }
        for key in mail.ready.drain(..) {
            if let Some(conn) = self.conns.get_mut(key.index as usize)
                && conn.key == key
            {
                conn.socket.tell(true);
                if !std::mem::replace(&mut conn.is_queued, true) {
                    self.by_hub.push_back(key);
                }
            }
        }
        for key in mail.cut.drain(..) {
            if self.conns.get(key.index as usize).is_some_and(|conn| conn.key == key) {
                self.end(key);
            }
        }
        self.mail = mail;
    }

    fn arrive(&mut self, stream: Stream, config: Arc<PeerConfig>) {
        let entry = self.conns.vacant_entry();
        let index = entry.key();
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let key = Key { index: u32::try_from(index).expect("far fewer sockets"), generation };
        let signal = Signal { inbox: Arc::clone(&self.inboxes[self.index]), key };
        let ip = stream.ip();
        let id = match self.exchange.connect(signal, config.known_address(ip)) {
            Ok(id) => id,
            Err(refused) => return listen::refuse(&stream, refused),
        };
        let address = stream.address();
        tracing::debug!(conn = ?id, peer = address.map(tracing::field::display), "connected");
        let interest = Interest::READABLE | Interest::WRITABLE;
        let fd = stream.as_fd().as_raw_fd();
        let registered = self.poll.registry().register(&mut SourceFd(&fd), Token(index), interest);
        // Frames are small and each is wanted at once.
        if let Err(error) = registered.and_then(|()| stream.set_nodelay()) {
            tracing::debug!(conn = ?id, %error, "the socket is of no use");
            return self.exchange.disconnected(id);
        }
        let socket = Socket::new(config, ip);
        let readiness = Readiness::new();
        entry.insert(Conn { key, id, stream, readiness, socket, is_queued: true });
        self.by_socket.push_back(key);
    }

    /// Takes word from the system. Returns whether there was any.
    fn learn(&mut self) -> bool {
        if let Err(error) = self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            // It is interrupted, if anything.
            tracing::debug!(%error, "asking for events");
            return true;
        }
        for event in &self.events {
            let Token(index) = event.token();
            // It may have ended since.
            let Some(conn) = self.conns.get_mut(index) else { continue };
            conn.readiness.learn(event);
            if !std::mem::replace(&mut conn.is_queued, true) {
                self.by_socket.push_back(conn.key);
            }
        }
        !self.events.is_empty()
    }

    /// Returns whether anybody had one.
    fn give_turns(&mut self) -> bool {
        // Who wants another turn has it when the others of the runtime have had theirs.
        let turns = self.by_socket.len().max(self.by_hub.len()).min(TURNS_AT_ONCE);
        self.pull(turns);
        for _ in 0..turns {
            if let Some(key) = self.by_socket.pop_front() {
                self.turn(key);
            }
            if let Some(key) = self.by_hub.pop_front() {
                let may_have_more = self.pulled.take_next(&mut self.scratch.pulled);
                if let Some(conn) = self.conn(key) {
                    conn.socket.tell(may_have_more);
                }
                self.turn(key);
            }
        }
        turns > 0
    }

    /// It may have ended, and its place been taken.
    fn conn(&mut self, key: Key) -> Option<&mut Conn> {
        self.conns.get_mut(key.index as usize).filter(|conn| conn.key == key)
    }

    /// Pulls for those who are the next to have a turn because the hub has something: all at once,
    /// so that the lock is taken once, and their memory fetched side by side.
    fn pull(&mut self, turns: usize) {
        if self.by_hub.is_empty() {
            return;
        }
        let conns = self.by_hub.iter().take(turns).map(|key| {
            let conn = self.conns.get(key.index as usize);
            conn.filter(|conn| conn.key == *key && conn.socket.writes()).map(|conn| conn.id)
        });
        self.exchange.pull_each(conns, &mut self.pulled);
    }

    fn turn(&mut self, key: Key) {
        let index = key.index as usize;
        let Some(conn) = self.conns.get_mut(index).filter(|conn| conn.key == key) else {
            // What was pulled for who has ended since.
            return self.scratch.pulled.clear();
        };
        conn.is_queued = false;
        let mut edge = Edge { stream: &conn.stream, readiness: &mut conn.readiness };
        if conn.socket.pass_on(&mut edge, &mut self.scratch) && !conn.readiness.may_read() {
            return;
        }
        let mut line = Extension::new(&self.exchange, conn.id);
        loop {
            let mut edge = Edge { stream: &conn.stream, readiness: &mut conn.readiness };
            match conn.socket.turn_with(&mut edge, &mut line, &mut self.scratch) {
                Turn::Wait => return,
                Turn::Again => {
                    conn.is_queued = true;
                    return self.by_socket.push_back(key);
                }
                Turn::ShutDownWrite if conn.stream.shutdown(Shutdown::Write).is_ok() => {}
                Turn::ShutDownWrite | Turn::End => return self.end(key),
            }
        }
    }

    fn end(&mut self, key: Key) {
        // To drop the socket also has the system forget it.
        let conn = self.conns.remove(key.index as usize);
        self.exchange.disconnected(conn.id);
        if self.conns.is_empty() {
            self.conns.shrink_to_fit();
        }
    }

    /// Waits until there is anything to do, at most as long as the limit.
    async fn wait(&mut self, limit: Option<Duration>) {
        let wakes_at = limit.map(|limit| Instant::now() + limit);
        // It need not be set anew for less than a timer can tell.
        let is_set = match (wakes_at, self.wakes_at) {
            (Some(new), Some(old)) => {
                new.max(old).duration_since(new.min(old)) < Duration::from_micros(100)
            }
            (new, old) => new == old,
        };
        if !is_set {
            self.timer = wakes_at.map_or_else(Timer::never, Timer::at);
            self.wakes_at = wakes_at;
        }
        let inbox = &self.inboxes[self.index];
        let (readable, timer, wakes_at) = (&self.readable, &mut self.timer, &mut self.wakes_at);
        poll_fn(|cx| {
            if inbox.has_rung(cx) || readable.poll_readable(cx).is_ready() {
                return Poll::Ready(());
            }
            std::pin::Pin::new(&mut *timer).poll(cx).map(|_| *wakes_at = None)
        })
        .await;
    }
}
