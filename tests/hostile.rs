//! Clients that do everything wrong. The server goes on, and afterwards it holds what it held
//! before.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use switchboard::Settings;
use switchboard_tests::{Adapter, Client, Heard, Process, Server, eventually};

const RUNTIMES: [&str; 2] = ["smol", "blocking"];

/// Seconds that no test takes.
const FOR_EVER: &str = "3600";

/// The login timeout is for those who are to run into it, and out of the way of all others.
fn server(runtime: &str, login_timeout: &str) -> Process {
    let arguments = ["--runtime", runtime, "--login-timeout", login_timeout];
    Process::start(env!("CARGO_BIN_EXE_server"), &arguments)
}

/// A socket on which nothing has been said.
fn socket(server: &Process) -> TcpStream {
    let socket = TcpStream::connect(server.address()).expect("the server accepts");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout above zero");
    socket
}

/// Reads to the end, or to the reset that is as good.
fn read_to_end(mut socket: &TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    if let Err(error) = socket.read_to_end(&mut read) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    read
}

/// Runs an attack against a server of each kind, beside somebody who wants nothing but to be
/// served, and checks that nothing of it remains.
fn attack(attack: impl Fn(&Process)) {
    attack_with(FOR_EVER, attack);
}

fn attack_with(login_timeout: &str, attack: impl Fn(&Process)) {
    for runtime in RUNTIMES {
        println!("{runtime}");
        let server = server(runtime, login_timeout);
        let mut alice = server.log_in("alice");
        let files = server.open_files();
        let threads = server.threads();

        attack(&server);

        alice.say("alice:still served");
        alice.hears("still served");
        let mut bob = server.log_in("bob");
        alice.say("bob:hello");
        bob.hears("hello");
        drop(bob);
        eventually(|| server.open_files(), |&now| now == files);
        eventually(|| server.threads(), |&now| now == threads);
    }
}

#[test]
fn half_a_handshake_is_cut_when_the_login_time_is_over() {
    attack_with("1", |server| {
        let halves =
            ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: web"];
        let sockets: Vec<TcpStream> = (0..200)
            .map(|number| {
                let mut socket = socket(server);
                socket
                    .write_all(halves[number % halves.len()].as_bytes())
                    .expect("the server reads");
                socket
            })
            .collect();
        for socket in &sockets {
            read_to_end(socket);
        }
    });
}

#[test]
fn what_is_no_handshake_is_cut() {
    attack(|server| {
        let attempts: [&[u8]; 6] = [
            b"\r\n\r\n",
            b"hello\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            &[0xff; 4096],
        ];
        for attempt in attempts.repeat(20) {
            let mut socket = socket(server);
            // It may be cut before it has said all.
            drop(socket.write_all(attempt));
            drop(socket.shutdown(Shutdown::Write));
            read_to_end(&socket);
        }
    });
}

#[test]
fn garbage_after_the_handshake_is_closed() {
    attack(|server| {
        // A linear congruential generator: garbage that is the same in each run.
        let mut state: u64 = 1;
        for _ in 0..100 {
            let client = Client::connect(server.address());
            let garbage: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            })
            .take(2000)
            .collect();
            let mut stream = client.stream();
            drop(stream.write_all(&garbage));
            drop(stream.shutdown(Shutdown::Write));
            read_to_end(stream);
        }
    });
}

#[test]
fn a_frame_that_promises_too_much_is_closed_at_once() {
    attack(|server| {
        let before = server.resident_kib();
        for length in [65_537_u64, 1 << 32, (1 << 63) - 1, u64::MAX] {
            let client = Client::connect(server.address());
            let mut header = vec![0x81, 0xff];
            header.extend(length.to_be_bytes());
            header.extend([0; 4]);
            client.stream().write_all(&header).expect("the server reads");
            let answer = read_to_end(client.stream());
            // A close frame: 1009, or 1002 for a length that no frame can have.
            assert_eq!(answer[0], 0x88, "{answer:?}");
            let code = u16::from_be_bytes([answer[2], answer[3]]);
            assert!([1009, 1002].contains(&code), "{code}");
        }
        assert!(server.resident_kib() < before + 4096);
    });
}

#[test]
fn a_message_in_too_many_fragments_is_closed() {
    attack(|server| {
        let mut client = Client::connect(server.address());
        for number in 0..70_u8 {
            // Not final; a text frame and then its continuations (RFC 6455, 5.4). The mask is zero.
            let opcode = if number == 0 { 0x01 } else { 0x00 };
            let mut frame = vec![opcode, 0xfe];
            frame.extend(1000_u16.to_be_bytes());
            frame.extend([0; 4]);
            frame.extend([b'x'; 1000]);
            if client.stream().write_all(&frame).is_err() {
                break;
            }
        }
        client.hears_close(1009);
    });
}

#[test]
fn a_flood_of_logins() {
    attack(|server| {
        let mut client = Client::connect(server.address());
        for _ in 0..5000 {
            client.say("");
            client.hears("error: the uid is empty");
        }
        // Each takes the uid over from the one before.
        for _ in 0..1000 {
            drop(server.log_in("mallory"));
        }
        let mut crowd: Vec<Client> = (0..200).map(|_| server.log_in("mallory")).collect();
        let mut last = crowd.pop().expect("a crowd");
        for mut replaced in crowd {
            replaced.hears_close(4001);
        }
        last.say("mallory:me");
        last.hears("me");
    });
}

/// The pongs that a client does not read must not pile up in the server.
#[test]
fn a_flood_of_pings_without_reading_the_pongs() {
    const MEBIBYTES: usize = 64;
    attack(|server| {
        let mut client = server.log_in("mallory");
        // Each is masked with zeros.
        let ping = |what| [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[what; 125]].concat();
        let pings = ping(b'?').repeat((1 << 20) / ping(b'?').len());
        let before = server.resident_kib();
        for _ in 0..MEBIBYTES {
            client.stream().write_all(&pings).expect("the server reads");
        }
        client.stream().write_all(&ping(b'!')).expect("the server reads");
        // Not all are answered: an answer to a later ping answers the earlier ones, too (RFC 6455,
        // 5.5.3). The last one is, though nothing more is said.
        let mut pong = [0; 2 + 125];
        while pong[2..] != [b'!'; 125] {
            client.stream().read_exact(&mut pong).expect("the server answers");
            assert_eq!(pong[..2], [0x8A, 125]);
        }
        client.say("mallory:done");
        client.hears("done");
        let after = server.resident_kib();
        println!("    {before} KiB before, {after} KiB after {MEBIBYTES} MiB of pings");
        assert!(after < before + 4096, "{before} KiB became {after} KiB");
    });
}

#[test]
fn half_closed_sockets() {
    attack(|server| {
        let clients: Vec<Client> = (0..50)
            .map(|number| {
                let client = server.log_in(&format!("half {number}"));
                client.stream().shutdown(Shutdown::Write).expect("a connected socket");
                client
            })
            .collect();
        for mut client in clients {
            assert!(matches!(client.hear(), Heard::Closed(_)));
        }
    });
}

/// After a first wave, which lets the server's tables and its allocator's pools grow to their size,
/// ten thousand connections more leave no trace in its memory.
#[test]
fn ten_thousand_connections_that_come_and_go() {
    const WAVE: usize = 500;
    for runtime in RUNTIMES {
        let server = server(runtime, FOR_EVER);
        let mut alice = server.log_in("alice");
        let files = server.open_files();
        let fresh = server.resident_kib();
        let wave = |wave: usize| {
            thread::scope(|threads| {
                for half in 0..2 {
                    let server = &server;
                    threads.spawn(move || {
                        let clients: Vec<Client> = (0..WAVE / 2)
                            .map(|number| server.log_in(&format!("{wave} {half} {number}")))
                            .collect();
                        for (number, client) in clients.into_iter().enumerate() {
                            if number % 2 == 0 { client.leave() } else { drop(client) }
                        }
                    });
                }
            });
            eventually(|| server.open_files(), |&now| now == files);
        };
        for number in 0..3 {
            wave(number);
        }
        let warm = server.resident_kib();
        for number in 0..20 {
            wave(number);
        }
        let end = server.resident_kib();
        println!("{runtime}: {fresh} KiB at the start, {warm} KiB warm, {end} KiB in the end");
        assert!(end < warm + warm / 10 + 1024, "{warm} KiB became {end} KiB");
        alice.say("alice:still served");
        alice.hears("still served");
    }
}

/// Fragments of a message that never ends, each of them empty (RFC 6455, 5.4): no message is ever
/// too large, and no read ever ends. Others are served all the same.
#[test]
fn floods_of_empty_fragments_hold_up_nobody() {
    // Not final: a text frame, and then continuations. The mask is zero.
    let beginning = [0x01, 0x80, 0, 0, 0, 0];
    let fragments = [0x00, 0x80, 0, 0, 0, 0].repeat(10_000);
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        let server = Server::start(adapter, Settings::default());
        let done = AtomicBool::new(false);
        thread::scope(|threads| {
            for number in 0..4 {
                // Logged in, so that no time limit ends the flood before the test does.
                let flooder = server.log_in(&format!("flooder {number}"));
                let (beginning, fragments, done) = (&beginning, &fragments, &done);
                threads.spawn(move || {
                    let mut stream = flooder.stream();
                    stream.write_all(beginning).expect("the server reads");
                    while !done.load(Ordering::Relaxed) {
                        stream.write_all(fragments).expect("the server reads");
                    }
                });
            }
            for round in 0..20 {
                let mut alice = server.log_in("alice");
                alice.say(&format!("alice:{round}"));
                alice.hears(&round.to_string());
                alice.leave();
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
