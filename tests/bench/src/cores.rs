//! `cargo run --release --package switchboard-bench --bin cores`: what a second thread brings, where
//! the kernel is out of the way.
//!
//! Memory stands for sockets. All else is as in the asynchronous adapter: each thread serves its share
//! of the connections, all of them feed one hub, and everybody writes to somebody of another thread, or
//! of the same.
//! Frames are unmasked, checked, parsed, routed, encoded and written.

mod memory;
mod neighbour;

use std::{
    env, fs, process,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustls::ClientConfig;
use switchboard::{Settings, exchange::Exchange, tls::Tls};

use memory::Worker;
use neighbour::Neighbour;

const USERS: usize = 400;

/// Messages that each user is at a time to hear.
const ON_THE_WAY: usize = 4;

const ROUNDS: usize = 7;

const TIME: Duration = Duration::from_millis(700);

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
    let config = Arc::new(settings.peer_config());
    let stop = AtomicBool::new(false);
    let start = Barrier::new(threads + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|index| {
                let (exchange, config, stop, start) = (&exchange, &config, &stop, &start);
                scope.spawn(move || {
                    let mut worker = Worker::new(exchange);
                    for user in (index..USERS).step_by(threads) {
                        let to = (user + step) % USERS;
                        worker.connect(Neighbour::new(user, to, tls), config);
                    }
                    // Threads do what the hub has for those of others.
                    while worker.work() {}
                    start.wait();
                    while worker.work() {}
                    for seat in &mut worker.seats {
                        seat.client.begin(SEALED);
                    }
                    start.wait();
                    for seat in 0..worker.seats.len() {
                        for _ in 0..ON_THE_WAY {
                            worker.seats[seat].client.say();
                        }
                        worker.look(seat);
                    }
                    while !stop.load(Ordering::Relaxed) {
                        if !worker.work() {
                            thread::yield_now();
                        }
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
