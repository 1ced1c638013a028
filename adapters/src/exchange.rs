//! The hub, shared by tasks or threads.
//!
//! ```text
//!   connection -- received, pull --> Exchange [ lock: Hub ] <-- drive -- driver
//!        ^                               |                                  ^
//!        +------- Signal::ready, cut ----+---------- doorbell --------------+
//! ```
//!
//! Each connection feeds what it receives, and pulls what it has to send when its [`Signal`] says
//! that there is something. Somebody has to [drive](Exchange::drive) it as well, be it a thread of its
//! own or those who serve connections: to see to time limits and to what is too much to do in passing,
//! such as telling a million others that there is a message. There may be several drivers.
//!
//! The lock is held for a bounded number of steps of the hub and never across a read, a write or a
//! wake-up; and to copy the hub's state, where a recording goes on in a new file.

mod calls;
mod control;
mod driver;
mod recorded;

use std::{
    collections::VecDeque,
    hash::{BuildHasher, Hasher, RandomState},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicU64},
    },
    time::{Duration, Instant as Clock},
};

use bytes::Bytes;
use http::{Request, Response};
use slotmap::SecondaryMap;
use smallvec::SmallVec;
use switchboard_core::{ConnId, Event, Hub, Input, Instant, Refused, Stage, Ticket};
use switchboard_trace::Recorded;
use tracing::field;
use tungstenite::Utf8Bytes;

pub use driver::Next;

use calls::{Call, Calls};
use driver::NEVER;

use crate::{
    Door, Settings,
    api::{Api, ApiService, Control, Meters},
    authenticate::{Answer, Authenticate},
    http::{HttpConfig, Service, response},
    line::{self, Line, Pulled},
    observe::Observe,
    peer::PeerConfig,
    wire::{Received, Text, ToSend},
};

/// Outputs that whoever fed an input carries out; the rest is the driver's.
const OUTPUTS_IN_PASSING: usize = 16;

/// How the task or thread that serves a connection is reached. Called without any lock held.
pub trait Signal: Clone + Send + Sync + 'static {
    /// There is something to [pull](Exchange::pull).
    fn ready(&self);

    /// The same for several, in any order.
    fn all_ready(signals: &mut [Self]) {
        signals.iter().for_each(Self::ready);
    }

    /// Drop the socket, whatever it is doing.
    fn cut(&self);
}

/// The hub with the lock, the clock and the connections' signals.
pub struct Exchange<S> {
    shared: Mutex<Shared<S>>,
    authenticate: Option<Arc<dyn Authenticate>>,
    api: Option<Arc<Api>>,
    meters: Meters,
    drain: Duration,
    /// There is something for the driver to do, whatever the time is.
    has_work: AtomicBool,
    /// When the driver looks at the hub next, of its own accord: microseconds of its time.
    driver_wakes: AtomicU64,
    /// For answers that come later.
    this: Weak<Self>,
    origin: Clock,
    doorbell: Box<dyn Fn() + Send + Sync>,
}

struct Shared<S> {
    hub: Recorded<Text>,
    signals: SecondaryMap<ConnId, S>,
    observer: Option<Arc<dyn Observe>>,
    /// Since when there is something for the driver to do.
    driver_due: Option<Instant>,
    stopping: bool,
}

impl<S: Signal> Exchange<S> {
    /// An exchange whose driver is woken by `doorbell`, which must neither block nor get lost if
    /// the driver is just then at work.
    pub fn new(settings: &Settings, doorbell: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        // The standard library's hasher is keyed by the system's random numbers.
        let seed = RandomState::new().build_hasher().finish();
        let hub = Hub::new(settings.hub_config(), seed, Instant::ZERO);
        let tape =
            settings.recorder.as_ref().and_then(|recorder| recorder.tape(&hub, Instant::ZERO));
        let hub = Recorded::new(hub, tape);
        let signals = SecondaryMap::new();
        let observer = settings.observer.clone();
        let shared = Shared { hub, signals, observer, driver_due: None, stopping: false };
        let meters = Meters::default();
        let api = settings.api.clone().map(|api| Arc::new(Api::new(api, settings, meters.clone())));
        let exchange = Arc::new_cyclic(|this| Self {
            shared: Mutex::new(shared),
            authenticate: settings.authenticate.clone(),
            api,
            meters,
            drain: settings.drain,
            has_work: AtomicBool::new(true),
            driver_wakes: AtomicU64::new(NEVER),
            this: Weak::clone(this),
            origin: Clock::now(),
            doorbell: Box::new(doorbell),
        });
        if let Some(recorder) = &settings.recorder {
            recorder.ask(recorded::RecordedHub::new(&exchange));
        }
        exchange
    }

    /// What all clients have in common that come in by this door.
    pub fn peer_config(self: &Arc<Self>, settings: &Settings, door: &Door) -> PeerConfig {
        let mut config = settings.peer_config();
        if let Some(api) = self.api.clone().filter(|_| config.http.is_none()) {
            let (max_body, control) = (api.max_body(), Arc::clone(self) as Arc<dyn Control>);
            let service = Arc::new(ApiService { api, control });
            config.http = Some(HttpConfig { max_body, ..HttpConfig::new(service) });
        }
        config.http = config.http.filter(|_| door.http);
        config.websocket = config.websocket.filter(|_| door.websocket);
        config
    }

    /// Takes a new connection, which comes from `address` as far as that is known.
    ///
    /// # Errors
    /// The socket is to be dropped.
    pub fn connect(&self, signal: S, address: Option<IpAddr>) -> Result<ConnId, Refused> {
        self.act(|shared, now| {
            let conn = shared.hub.connect(now, address)?;
            shared.signals.insert(conn, signal);
            Ok(conn)
        })
    }

    /// Takes what came from a connection, no more than there was [credit](Self::credit) for. Returns
    /// what there is left; if that is nothing, it is time to ask when something has been
    /// [pulled](Self::pull).
    pub fn received(&self, conn: ConnId, mut received: &[Received]) -> usize {
        for received in received {
            match received {
                Received::Refused(refusal) => tracing::debug!(?conn, %refusal, "no WebSocket"),
                Received::Address(address) => tracing::debug!(?conn, %address, "behind a proxy"),
                _ => {}
            }
        }
        // Nearly all comes from those who are logged in.
        let mut stage = Stage::Open;
        loop {
            match self.feed(conn, stage, received) {
                Ok(credit) => return credit,
                Err((fed, is_at)) => (received, stage) = (&received[fed..], is_at),
            }
        }
    }

    /// Feeds what came from a connection that should be at this stage.
    ///
    /// # Errors
    /// It is at another after so many have been fed. A stage never comes back.
    fn feed(
        &self,
        conn: ConnId,
        stage: Stage,
        received: &[Received],
    ) -> Result<usize, (usize, Stage)> {
        // Messages are parsed and copied without the lock.
        let inputs: SmallVec<[_; 4]> = received.iter().map(|r| r.input(stage, conn)).collect();
        self.act(|shared, now| {
            for (index, input) in inputs.into_iter().enumerate() {
                let is_at = shared.hub.stage(conn);
                // What is sent by who is being closed does not count, whatever it is.
                if ![stage, Stage::Closing].contains(&is_at) {
                    return Err((index, is_at));
                }
                if let Some(input) = input {
                    shared.hub.handle(now, input);
                }
            }
            Ok(shared.hub.credit(conn))
        })
    }

    /// How much of what a connection says may be passed on before this is asked again.
    pub fn credit(&self, conn: ConnId) -> usize {
        self.lock().hub.credit(conn)
    }

    /// Takes the end of a connection's socket. Feeding it more than once does no harm.
    pub fn disconnected(&self, conn: ConnId) {
        self.act(|shared, now| {
            if shared.signals.remove(conn).is_some() {
                shared.hub.handle(now, Input::Disconnected { conn });
            }
        });
    }

    /// Moves what the connection should write next, about as much as one write takes, to the end
    /// of `batch`. Returns whether there may be more; if not, [`Signal::ready`] will tell when there
    /// is.
    pub fn pull(&self, conn: ConnId, batch: &mut VecDeque<ToSend>) -> bool {
        let hub = &mut self.lock().hub;
        line::pull(|| hub.poll_frame(conn), batch)
    }

    /// The same for several connections at once, in their order; nothing is pulled for who is
    /// `None`.
    pub fn pull_each(&self, conns: impl Iterator<Item = Option<ConnId>>, pulled: &mut Pulled) {
        let hub = &mut self.lock().hub;
        for conn in conns {
            let hub = &mut *hub;
            pulled.pull(conn.map(|conn| move || hub.poll_frame(conn)));
        }
    }

    /// Has a service answer a request that came over this connection.
    pub fn call(
        &self,
        conn: ConnId,
        service: &dyn Service,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let stage = self.lock().hub.stage(conn);
        match stage {
            Stage::Closing => response::unavailable(),
            _ => service.call(request),
        }
    }

    /// Closes everybody, over the settings' [time](Settings::drain), and refuses whoever comes.
    /// [`Next::Finished`] tells when all are gone.
    pub fn shut_down(&self) {
        self.act(|shared, now| {
            shared.stopping = true;
            shared.hub.handle(now, Input::Shutdown { over: self.drain });
        });
    }

    /// Changes the hub and carries out what follows from it, or has the driver do so.
    fn act<R>(&self, change: impl FnOnce(&mut Shared<S>, Instant) -> R) -> R {
        let mut calls = Calls::default();
        let (result, ring, since) = {
            let mut shared = self.lock();
            let now = self.now();
            let result = change(&mut shared, now);
            let more = shared.carry_out(OUTPUTS_IN_PASSING, &mut calls);
            let ring = more || self.driver_is_late(&shared);
            if ring {
                self.call_driver(&mut shared, now);
            }
            (result, ring, now)
        };
        self.meters.step(self.now().saturating_since(since));
        self.give(calls);
        if ring {
            (self.doorbell)();
        }
        result
    }

    fn give(&self, mut calls: Calls<S>) {
        S::all_ready(&mut calls.ready);
        for call in calls.others {
            match call {
                Call::Cut(signal) => signal.cut(),
                Call::Check(ticket, credential) => self.check(ticket, credential),
                Call::Log(Event::LoggedIn { conn, login, .. }) => {
                    tracing::debug!(?conn, uid = ?login.uid, "logged in");
                }
                Call::Log(Event::Closed { conn, login, reason, .. }) => {
                    let uid = login.map(|login| field::debug(login.uid));
                    tracing::debug!(?conn, uid, %reason, "closed");
                }
            }
        }
    }

    fn check(&self, ticket: Ticket, credential: Text) {
        let exchange = Weak::clone(&self.this);
        let answer = Answer::new(move |verdict| {
            // The server may have ended before the answer came.
            if let Some(exchange) = exchange.upgrade() {
                exchange.act(|shared, now| {
                    shared.hub.handle(now, Input::Verdict { ticket, verdict });
                });
            }
        });
        if let Some(authenticate) = &self.authenticate {
            authenticate.authenticate(&Utf8Bytes::from(credential), answer);
        }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.origin.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Shared<S>> {
        self.shared.lock().expect("the hub does not panic")
    }
}

impl<S> Shared<S> {
    fn is_finished(&self) -> bool {
        self.stopping && self.hub.stats().connections == 0
    }
}

/// A connection's line to the exchange.
pub struct Extension<'a, S> {
    exchange: &'a Exchange<S>,
    conn: ConnId,
}

impl<'a, S: Signal> Extension<'a, S> {
    /// The line of `conn`.
    pub fn new(exchange: &'a Exchange<S>, conn: ConnId) -> Self {
        Self { exchange, conn }
    }
}

impl<S: Signal> Line for Extension<'_, S> {
    fn received(&mut self, received: &[Received]) -> usize {
        self.exchange.received(self.conn, received)
    }

    fn credit(&self) -> usize {
        self.exchange.credit(self.conn)
    }

    fn pull(&mut self, batch: &mut VecDeque<ToSend>) -> bool {
        self.exchange.pull(self.conn, batch)
    }

    fn call(&mut self, service: &dyn Service, request: &Request<Bytes>) -> Response<Bytes> {
        self.exchange.call(self.conn, service, request)
    }
}

/// A connection's place in the exchange, which it loses when this is dropped.
pub struct Place<'a, S: Signal>(Extension<'a, S>);

impl<'a, S: Signal> Place<'a, S> {
    /// The place of `conn`.
    pub fn new(exchange: &'a Exchange<S>, conn: ConnId) -> Self {
        Self(Extension::new(exchange, conn))
    }

    /// Its line.
    pub fn line(&mut self) -> &mut Extension<'a, S> {
        &mut self.0
    }
}

impl<S: Signal> Drop for Place<'_, S> {
    fn drop(&mut self) {
        self.0.exchange.disconnected(self.0.conn);
    }
}
