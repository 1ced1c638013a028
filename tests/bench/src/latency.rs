//! How long a message to one takes, while messages to all go out without a pause.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use crate::{
    crowd::{self, Crowd, frame, name},
    scenario::Scenario,
};

/// How often somebody says something to one.
const EVERY: Duration = Duration::from_millis(2);

/// What came of it.
pub(crate) struct Latency {
    /// Microseconds until a message to one was heard, with nothing else to do.
    pub(crate) alone: Histogram<u64>,
    /// The same during the storm.
    pub(crate) in_storm: Histogram<u64>,
    /// How long a message to all took until the last had heard it.
    pub(crate) walk: Duration,
}

/// Plays a storm to so many for some time.
pub(crate) fn measure(server: SocketAddr, users: usize, time: Duration) -> Latency {
    let mut crowd = Crowd::log_in(server, users);
    let mut stream = crowd::log_in(server, users);
    stream.set_nonblocking(false).expect("a TCP socket");
    let alone = talk_to_oneself(&mut stream, &name(users), {
        let end = Instant::now() + time;
        move || Instant::now() < end
    });
    let goes_on = Arc::new(AtomicBool::new(true));
    let still = Arc::clone(&goes_on);
    let talker = thread::spawn(move || {
        talk_to_oneself(&mut stream, &name(users), || still.load(Ordering::Relaxed))
    });
    let start = Instant::now();
    let heard = Scenario::Broadcast { on_the_way: 1 }.play(&mut crowd, users, time);
    let messages = u32::try_from(heard / users).expect("not so many");
    let walk = start.elapsed() / messages.max(1);
    goes_on.store(false, Ordering::Relaxed);
    let in_storm = talker.join().expect("the server answers");
    Latency { alone, in_storm, walk }
}

fn talk_to_oneself(stream: &mut TcpStream, me: &str, goes_on: impl Fn() -> bool) -> Histogram<u64> {
    let mut times = Histogram::new(3).expect("a possible precision");
    let mut incoming = Vec::new();
    let mut due = Instant::now();
    for number in 0_u64.. {
        if !goes_on() {
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // From when it should have been said, and not from when there was time to.
        let said = due;
        due += EVERY;
        let text = format!("message {number}");
        stream.write_all(&frame(&format!("{me}:{text}"))).expect("the server reads");
        hear(stream, &mut incoming, &text);
        times
            .record(u64::try_from(said.elapsed().as_micros()).expect("not so long"))
            .expect("it resizes");
    }
    times
}

/// Reads until this comes.
fn hear(stream: &mut TcpStream, incoming: &mut Vec<u8>, text: &str) {
    let mut buffer = [0; 16 << 10];
    loop {
        let mut used = 0;
        let mut has_come = false;
        while let Some(size) = crowd::frame_size(&incoming[used..]) {
            has_come |= incoming[used..used + size].ends_with(text.as_bytes());
            used += size;
        }
        incoming.drain(..used);
        if has_come {
            return;
        }
        let size = stream.read(&mut buffer).expect("the server answers");
        assert!(size > 0, "the server has closed");
        incoming.extend_from_slice(&buffer[..size]);
    }
}
