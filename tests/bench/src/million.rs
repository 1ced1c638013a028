//! `cargo run --release --package switchboard-bench --bin million -- [USERS]`: so many users online in
//! one process, and a broadcast to all of them.
//!
//! Memory stands for sockets, of which few systems let a process have as many. All else is as in the
//! asynchronous adapter: each user has a WebSocket that has shaken hands and logged in.

mod memory;

use std::{
    env, fs,
    io::{self, ErrorKind, Read, Write},
    mem,
    sync::Arc,
    time::Instant,
};

use switchboard::{Settings, exchange::Exchange};

use memory::{Client, Worker, frame};

const BROADCASTS: usize = 5;

/// Users who log in at a time.
const AT_ONCE: usize = 100;

fn main() {
    let users = env::args().nth(1).map_or(1_000_000, |users| users.parse().expect("a number"));
    let mut settings = Settings::default();
    settings.hub.max_connections = users;
    let exchange = Exchange::new(&settings, || {});
    let config = Arc::new(settings.peer_config());
    let mut worker = Worker::new(&exchange);
    worker.seats.reserve_exact(users);
    let before = resident();

    let begin = Instant::now();
    for user in 0..users {
        worker.connect(User::new(user), &config);
        if user % AT_ONCE == 0 {
            while worker.work() {}
        }
    }
    while worker.work() {}
    let time = begin.elapsed().as_secs_f64();
    assert!(worker.seats.iter().all(|seat| seat.client.is_in), "everybody is logged in");
    let memory = resident() - before;
    println!(
        "{users} users logged in within {time:.1} s, {:.0} a second; {} bytes each, \
         {} of them what stands for the socket",
        users as f64 / time,
        memory / users,
        size_of::<User>(),
    );

    for user in 0..BROADCASTS {
        let begin = Instant::now();
        worker.seats[user].client.say("all:hello, everybody");
        worker.look(user);
        worker.heard = 0;
        while worker.work() {}
        let time = begin.elapsed().as_secs_f64();
        let each_once = worker.seats.iter_mut().all(|seat| mem::take(&mut seat.client.heard) == 1);
        assert!(each_once && worker.heard == users, "a broadcast reaches everybody, once");
        println!("a broadcast reached {users} users within {:.0} ms", time * 1e3);
    }
    let most = resident() - before;
    println!("{} bytes each after that", most / users);
}

/// What the process has in memory, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = pages.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * rustix::param::page_size()
}

/// A client that needs hardly any memory.
struct User {
    sent: Vec<u8>,
    is_in: bool,
    /// Messages, and those that were not asked for yet.
    heard: u32,
    heard_lately: u32,
}

impl User {
    fn new(number: usize) -> Self {
        let mut sent = b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .to_vec();
        sent.extend(frame(&format!("user {number}")));
        Self { sent, is_in: false, heard: 0, heard_lately: 0 }
    }

    fn say(&mut self, text: &str) {
        self.sent.extend(frame(text));
    }
}

impl Client for User {
    fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    fn take_heard(&mut self) -> usize {
        mem::take(&mut self.heard_lately) as usize
    }
}

impl Read for User {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.sent.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        assert!(self.sent.len() <= buf.len(), "it says little");
        let sent = mem::take(&mut self.sent);
        buf[..sent.len()].copy_from_slice(&sent);
        Ok(sent.len())
    }
}

impl Write for User {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let head = buf.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |end| end + 4);
        let mut rest = &buf[head..];
        while let [0x81, size, behind @ ..] = rest {
            let (text, behind) = behind.split_at(usize::from(*size));
            if text.starts_with(b"login success") {
                self.is_in = true;
            } else {
                self.heard += 1;
                self.heard_lately += 1;
            }
            rest = behind;
        }
        assert!(rest.is_empty(), "whole frames of text come");
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
