//! Two clients that send each other messages all the time, and miss none.

use std::{
    fmt::Debug,
    io::{Read, Write},
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use switchboard_tests::Process;
use tungstenite::{Message, WebSocket, client};

/// Round trips before the attack.
const QUIET: usize = 100;

/// Only a server that hangs takes this long.
const ENDLESS: Duration = Duration::from_secs(20);

const SIZE_OF_NEWS: usize = 7000;

/// What carries a WebSocket.
pub(crate) trait Stream: Read + Write + Send + Debug {}
impl<S: Read + Write + Send + Debug> Stream for S {}

/// Connects to a server.
pub(crate) type Connect = fn(&Process) -> Box<dyn Stream>;

/// A client on any stream.
pub(crate) struct Talker(WebSocket<Box<dyn Stream>>);

impl Talker {
    pub(crate) fn log_in(stream: Box<dyn Stream>, uid: &str) -> Self {
        let (socket, _) = client("ws://localhost/", stream).expect("the server shakes hands");
        let mut talker = Self(socket);
        talker.say(uid);
        talker.hears(&format!("login success, your uid is {uid}"));
        talker
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("the server reads");
    }

    /// The next message must be this one.
    pub(crate) fn hears(&mut self, text: &str) {
        loop {
            match self.0.read().expect("a message") {
                Message::Text(heard) => {
                    let (start, _) = heard.split_at(heard.len().min(80));
                    return assert!(heard == text, "{start} instead of {text:.80}");
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn leave(mut self) {
        self.0.close(None).expect("the server reads");
        while self.0.read().is_ok() {}
    }
}

/// What the two are told, and what they have seen.
pub(crate) struct Lively {
    pause: Duration,
    attacked: AtomicBool,
    done: AtomicBool,
    broadcasting: AtomicBool,
    broadcasts: AtomicUsize,
    trips: Mutex<Trips>,
    trip: Condvar,
}

#[derive(Default)]
struct Trips {
    quiet: Vec<Duration>,
    attacked: Vec<Duration>,
    /// They have panicked, or are done.
    over: bool,
}

/// Says to the two that it is over.
pub(crate) struct UntilDropped<'a>(&'a Lively);

impl Drop for UntilDropped<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Relaxed);
    }
}

/// Whoever waits for the two must not wait for ever if they fail.
struct Over<'a>(&'a Lively);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.trips.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        self.0.trip.notify_all();
    }
}

impl Lively {
    pub(crate) fn new(pause: Duration) -> Self {
        Self {
            pause,
            attacked: AtomicBool::new(false),
            done: AtomicBool::new(false),
            broadcasting: AtomicBool::new(false),
            broadcasts: AtomicUsize::new(0),
            trips: Mutex::default(),
            trip: Condvar::new(),
        }
    }

    pub(crate) fn until_dropped(&self) -> UntilDropped<'_> {
        UntilDropped(self)
    }

    /// Each message must be the next that is heard: none is missed, none comes twice.
    pub(crate) fn live(&self, streams: [Box<dyn Stream>; 2]) {
        let _over = Over(self);
        let [alice, bob] = streams;
        let mut alice = Talker::log_in(alice, "alice");
        let mut bob = Talker::log_in(bob, "bob");
        let padding = "x".repeat(SIZE_OF_NEWS);
        for number in 0.. {
            if self.done.load(Relaxed) {
                break;
            }
            let attacked = self.attacked.load(Relaxed);
            let start = Instant::now();
            alice.say(&format!("bob:{number}"));
            bob.hears(&number.to_string());
            bob.say(&format!("alice:{number}"));
            alice.hears(&number.to_string());
            self.has_taken(start.elapsed(), attacked);
            if self.broadcasting.load(Relaxed) {
                alice.say(&format!("all:news {number} {padding}"));
                alice.hears(&format!("news {number} {padding}"));
                bob.hears(&format!("news {number} {padding}"));
                self.broadcasts.fetch_add(1, Relaxed);
            }
            // Who may send so many messages in a second has to tell the time.
            thread::sleep(self.pause);
        }
        alice.leave();
        bob.leave();
    }

    fn has_taken(&self, time: Duration, attacked: bool) {
        let mut trips = self.trips.lock().expect("no panic");
        if attacked { &mut trips.attacked } else { &mut trips.quiet }.push(time);
        drop(trips);
        self.trip.notify_all();
    }

    fn until(&self, reached: impl Fn(&Trips) -> bool) {
        let trips = self.trips.lock().unwrap_or_else(PoisonError::into_inner);
        let trips = self.trip.wait_while(trips, |trips| !trips.over && !reached(trips));
        assert!(!trips.expect("no panic").over, "the lively clients were not served");
    }

    /// Waits for what there is to be compared to.
    pub(crate) fn has_been_quiet(&self) {
        self.until(|trips| trips.quiet.len() >= QUIET);
    }

    pub(crate) fn is_under_attack(&self) {
        self.attacked.store(true, Relaxed);
        self.goes_on();
    }

    /// Waits for some more round trips.
    pub(crate) fn goes_on(&self) {
        let so_far = self.trips.lock().unwrap_or_else(PoisonError::into_inner).attacked.len();
        self.until(|trips| trips.attacked.len() > so_far + 10);
    }

    /// Has them send news to everybody, each of which both read before the next.
    pub(crate) fn broadcast(&self, yes: bool) {
        self.broadcasting.store(yes, Relaxed);
    }

    pub(crate) fn broadcasts(&self) -> usize {
        self.broadcasts.load(Relaxed)
    }

    /// Prints how long round trips took.
    pub(crate) fn report(&self) {
        let mut trips = self.trips.lock().expect("no panic");
        let (quiet, quiet_p99, _) = figures(&mut trips.quiet);
        let (attacked, attacked_p99, longest) = figures(&mut trips.attacked);
        println!(
            "    round trips: median {quiet:.1?}, p99 {quiet_p99:.1?}; under attack {attacked:.1?} \
             (x {:.1}), {attacked_p99:.1?} (x {:.1}), at most {longest:.1?}, {} of them",
            attacked.as_secs_f64() / quiet.as_secs_f64(),
            attacked_p99.as_secs_f64() / quiet_p99.as_secs_f64(),
            trips.attacked.len(),
        );
        assert!(longest < ENDLESS, "{longest:?}");
    }
}

/// Median, 99th percentile, longest.
fn figures(times: &mut [Duration]) -> (Duration, Duration, Duration) {
    times.sort();
    let last = times.len() - 1;
    (times[last / 2], times[last * 99 / 100], times[last])
}
