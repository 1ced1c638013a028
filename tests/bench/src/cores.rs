//! `cargo run --release --package switchboard-bench --bin cores`: what a second thread brings, where
//! the kernel is out of the way.
//!
//! Memory stands for sockets. All else is as in the asynchronous adapter: each thread serves its share
//! of the connections, all of them feed one hub, and everybody writes to somebody of another thread, or
//! of the same.
//! Frames are unmasked, checked, parsed, routed, encoded and written.

mod neighbour;

use std::{
    collections::VecDeque,
    env, fs, process,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustls::ClientConfig;
use switchboard::{
    Settings,
    exchange::{Exchange, Extension, Signal},
    line::Pulled,
    nonblocking::{Scratch, Socket, Turn},
    tls::Tls,
};
use switchboard_core::ConnId;

use neighbour::Neighbour;

const USERS: usize = 400;

/// Messages that each user is at a time to hear.
const ON_THE_WAY: usize = 4;

const ROUNDS: usize = 7;

const TIME: Duration = Duration::from_millis(700);

/// Turns between looks at what else there is.
const TURNS_AT_ONCE: usize = 32;

/// Messages that a user can say over TLS.
const SEALED: usize = 6000;

fn main() {
    let threads = env::args().nth(1).map_or(2, |threads| threads.parse().expect("a number"));
    let (plain, sealed) = (Settings::default(), over_tls());
    let sealed = (&sealed.0, Some(&sealed.1));
    for (what, (settings, tls), step) in [
        ("to another thread", (&plain, None), 1),
        ("to the same thread", (&plain, None), threads),
        ("to another thread, over TLS", sealed, 1),
        ("to the same thread, over TLS", sealed, threads),
    ] {
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS {
            let [one, many] = [1, threads].map(|threads| play(threads, step, settings, tls));
            ratios.push(many / one);
            println!(
                "{what}: 1 thread {one:.0} messages a second, {threads} {many:.0}, {:.2} times",
                many / one
            );
        }
        ratios.sort_by(f64::total_cmp);
        println!("{what}: median {:.2} times", ratios[ROUNDS / 2]);
    }
}

/// A server with a certificate, and clients that trust it.
fn over_tls() -> (Settings, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    let file = env::temp_dir().join(format!("switchboard-cores-{}.pem", process::id()));
    fs::write(&file, made.cert.pem() + &made.signing_key.serialize_pem()).expect("a file");
    let tls = Tls::load(&file, &file).expect("a certificate");
    fs::remove_file(&file).expect("it is there");
    let settings = Settings { tls: Some(tls), ..Settings::default() };
    (settings, neighbour::trusting(made.cert.der().clone()))
}

/// Messages a second that so many threads carry.
fn play(threads: usize, step: usize, settings: &Settings, tls: Option<&Arc<ClientConfig>>) -> f64 {
    let exchange = Exchange::new(settings, || {});
    let stop = AtomicBool::new(false);
    let start = Barrier::new(threads + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|index| {
                let (exchange, stop, start) = (&exchange, &stop, &start);
                scope.spawn(move || {
                    let mut worker = Worker::new(exchange);
                    for user in (index..USERS).step_by(threads) {
                        worker.connect(user, (user + step) % USERS, settings, tls);
                    }
                    // Threads do what the hub has for those of others.
                    while worker.work() {}
                    start.wait();
                    while worker.work() {}
                    worker.begin();
                    start.wait();
                    worker.say_first();
                    while !stop.load(Ordering::Relaxed) {
                        worker.work();
                    }
                    worker.heard
                })
            })
            .collect();
        start.wait();
        start.wait();
        let begin = Instant::now();
        thread::sleep(TIME);
        stop.store(true, Ordering::Relaxed);
        let time = begin.elapsed();
        let heard: usize = workers.into_iter().map(|worker| worker.join().expect("no panic")).sum();
        heard as f64 / time.as_secs_f64()
    })
}

/// A connection of a worker.
#[derive(Clone)]
struct Place {
    ready: Arc<Mutex<Vec<usize>>>,
    seat: usize,
}

impl Signal for Place {
    fn ready(&self) {
        self.ready.lock().expect("no panic").push(self.seat);
    }

    fn cut(&self) {}
}

/// A thread's share.
struct Worker<'a> {
    exchange: &'a Exchange<Place>,
    seats: Vec<Seat>,
    ready: Arc<Mutex<Vec<usize>>>,
    by_hub: VecDeque<usize>,
    by_socket: VecDeque<usize>,
    pulled: Pulled,
    scratch: Scratch,
    heard: usize,
}

struct Seat {
    conn: ConnId,
    socket: Socket,
    client: Neighbour,
    is_queued: bool,
}

impl<'a> Worker<'a> {
    fn new(exchange: &'a Exchange<Place>) -> Self {
        Self {
            exchange,
            seats: Vec::new(),
            ready: Arc::default(),
            by_hub: VecDeque::new(),
            by_socket: VecDeque::new(),
            pulled: Pulled::default(),
            scratch: Scratch::default(),
            heard: 0,
        }
    }

    fn connect(
        &mut self,
        user: usize,
        to: usize,
        settings: &Settings,
        tls: Option<&Arc<ClientConfig>>,
    ) {
        let seat = self.seats.len();
        let signal = Place { ready: Arc::clone(&self.ready), seat };
        let conn = self.exchange.connect(signal, None).expect("there is room");
        let socket = Socket::new(Arc::new(settings.peer_config()), None);
        let client = Neighbour::new(user, to, tls);
        self.seats.push(Seat { conn, socket, client, is_queued: true });
        self.by_socket.push_back(seat);
    }

    fn begin(&mut self) {
        for seat in &mut self.seats {
            seat.client.begin(SEALED);
        }
    }

    fn say_first(&mut self) {
        for (index, seat) in self.seats.iter_mut().enumerate() {
            for _ in 0..ON_THE_WAY {
                seat.client.say();
            }
            seat.is_queued = true;
            self.by_socket.push_back(index);
        }
    }

    /// What a shard does between two waits. Returns whether there was anything to do.
    fn work(&mut self) -> bool {
        for seat in self.ready.lock().expect("no panic").drain(..) {
            self.seats[seat].socket.tell(true);
            if !std::mem::replace(&mut self.seats[seat].is_queued, true) {
                self.by_hub.push_back(seat);
            }
        }
        if self.by_hub.len() < TURNS_AT_ONCE {
            let _next = self.exchange.drive();
        }
        let turns = self.by_socket.len().max(self.by_hub.len()).min(TURNS_AT_ONCE);
        let next = self.by_hub.iter().take(turns).map(|seat| &self.seats[*seat]);
        let conns = next.map(|seat| seat.socket.writes().then_some(seat.conn));
        self.exchange.pull_each(conns, &mut self.pulled);
        for _ in 0..turns {
            if let Some(seat) = self.by_socket.pop_front() {
                self.turn(seat);
            }
            if let Some(seat) = self.by_hub.pop_front() {
                let may_have_more = self.pulled.take_next(&mut self.scratch.pulled);
                self.seats[seat].socket.tell(may_have_more);
                self.turn(seat);
            }
        }
        turns > 0
    }

    fn turn(&mut self, index: usize) {
        let Seat { conn, socket, client, is_queued } = &mut self.seats[index];
        *is_queued = false;
        if !socket.pass_on(client, &mut self.scratch) || !client.sent.is_empty() {
            let mut line = Extension::new(self.exchange, *conn);
            match socket.turn_with(client, &mut line, &mut self.scratch) {
                Turn::Wait | Turn::Again => {}
                end => panic!("{end:?}"),
            }
        }
        self.heard += std::mem::take(&mut client.heard);
        if !client.sent.is_empty() {
            *is_queued = true;
            self.by_socket.push_back(index);
        }
    }
}
