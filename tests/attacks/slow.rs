//! Clients that say what they say as slowly as they can, or stop halfway.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use switchboard_tests::{Client, Heard};

use crate::{
    lively::{Stream, Talker},
    scene::{PATIENCE, Scene, socket},
};

/// A handshake that never ends.
const BEGINNING: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ";

/// Whether the server has cut it. What it says to that is passed over.
fn is_cut(mut socket: &TcpStream) -> bool {
    loop {
        match socket.read(&mut [0; 1024]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => return true,
        }
    }
}

#[test]
fn handshakes_that_dribble_are_cut_when_the_login_time_is_over() {
    const COUNT: usize = 2000;
    const LOGIN: Duration = Duration::from_secs(2);
    Scene {
        name: "2,000 handshakes that dribble",
        arguments: &["--login-timeout", "2"],
        during_mib: [16, 192],
        after_mib: [16, 32],
        ..Scene::default()
    }
    .play(|server, _| {
        let mut dribbling: Vec<(TcpStream, Instant)> = (0..COUNT)
            .map(|_| {
                let start = Instant::now();
                let socket = socket(server);
                socket.set_nonblocking(true).expect("a TCP socket");
                (socket, start)
            })
            .collect();
        let mut bytes = BEGINNING.iter().chain(std::iter::repeat(&b'x'));
        let begun = Instant::now();
        while !dribbling.is_empty() {
            assert!(begun.elapsed() < PATIENCE + LOGIN, "{} are not cut", dribbling.len());
            let byte = bytes.next().expect("it does not end");
            dribbling.retain(|(socket, start)| {
                // It may be cut while it says this.
                drop((&*socket).write(&[*byte]));
                let cut = is_cut(socket);
                assert!(!cut || start.elapsed() >= LOGIN, "cut after {:?}", start.elapsed());
                !cut
            });
        }
    });
}

/// Who sends nothing more cannot be answered; who reads nothing more is served until it goes.
#[test]
fn sockets_of_which_one_half_is_closed() {
    const COUNT: usize = 100;
    Scene {
        name: "sockets of which one half is closed",
        during_mib: [8, 24],
        after_mib: [8, 16],
        ..Scene::default()
    }
    .play(|server, _| {
        let halves = |kind: &str, how: Shutdown| -> Vec<Client> {
            let half = |number| {
                let client = server.log_in(&format!("{kind} {number}"));
                client.stream().shutdown(how).expect("a connected socket");
                client
            };
            (0..COUNT).map(half).collect()
        };
        let mut silent = halves("silent", Shutdown::Write);
        let mut deaf = halves("deaf", Shutdown::Read);
        for client in &mut silent {
            assert!(matches!(client.hear(), Heard::Closed(_)));
        }
        let mut carol = server.log_in("carol");
        for (number, client) in deaf.iter_mut().enumerate() {
            assert_eq!(carol.answer_to("carol", &format!("deaf {number}:hello")), None);
            client.say(&format!("carol:from {number}"));
            carol.hears(&format!("from {number}"));
        }
    });
}

/// Writes every byte on its own.
#[derive(Debug)]
struct ByteByByte(TcpStream);

impl Read for ByteByByte {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for ByteByByte {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(&buf[..buf.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn sessions_byte_by_byte() {
    Scene {
        name: "50 sessions byte by byte",
        during_mib: [8, 16],
        after_mib: [8, 16],
        ..Scene::default()
    }
    .play(|server, _| {
        let stream = || -> Box<dyn Stream> { Box::new(ByteByByte(socket(server))) };
        let mut talkers: Vec<Talker> =
            (0..50).map(|number| Talker::log_in(stream(), &format!("slow {number}"))).collect();
        let long = "x".repeat(2000);
        for (number, talker) in talkers.iter_mut().enumerate() {
            for text in ["hello", "", &long] {
                talker.say(&format!("slow {number}:{text}"));
                talker.hears(text);
            }
        }
        for talker in talkers {
            talker.leave();
        }
    });
}
