//! Many who come at once, or go at once.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use switchboard_tests::{Client, Heard, Process, eventually};

use crate::scene::{Scene, socket};

const CROWD: usize = 1000;

/// A process with users in it.
fn crowd(server: &Process) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crowd"))
        .args([server.address().to_string(), CROWD.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let output = child.stdout.take().expect("it is piped");
    (child, BufReader::new(output))
}

/// The names of those who are killed can be had at once by others, and by nobody twice.
#[test]
fn a_thousand_users_whose_process_is_killed() {
    Scene {
        name: "1,000 users whose process is killed, twice",
        arguments: &["--duplicate-uid", "reject"],
        during_mib: [32, 192],
        after_mib: [32, 64],
        ..Scene::default()
    }
    .play(|server, lively| {
        let files = server.open_files();
        for round in 0..2 {
            let (mut child, mut output) = crowd(server);
            let mut line = String::new();
            output.read_line(&mut line).expect("text");
            assert_eq!(line, "all are logged in\n");
            let mut rejected = Client::connect(server.address());
            rejected.say("user 0");
            assert!(matches!(rejected.hear(), Heard::Text(text) if text.starts_with("error: ")));
            lively.goes_on();
            // SIGKILL.
            child.kill().expect("it runs");
            child.wait().expect("it can be waited for");
            drop(rejected);
            let mut successors: Vec<Client> = Vec::new();
            for number in 0..CROWD {
                let uid = format!("user {number}");
                let mut client = Client::connect(server.address());
                let attempt = || {
                    client.say(&uid);
                    client.hear()
                };
                let success = Heard::Text(format!("login success, your uid is {uid}"));
                eventually(attempt, |answer| *answer == success);
                successors.push(client);
            }
            println!("    round {round}: all {CROWD} names are free again");
            drop(successors);
            eventually(|| server.open_files(), |&now| now == files);
        }
    });
}

/// The same while they still come.
#[test]
fn users_whose_process_is_killed_while_they_log_in() {
    Scene {
        name: "users whose process is killed while they log in",
        arguments: &["--duplicate-uid", "reject"],
        during_mib: [16, 64],
        after_mib: [16, 32],
        ..Scene::default()
    }
    .play(|server, _| {
        let files = server.open_files();
        for some in [1, 10, 100] {
            let (mut child, _output) = crowd(server);
            eventually(|| server.open_files(), |&now| now >= files + some);
            child.kill().expect("it runs");
            child.wait().expect("it can be waited for");
            eventually(|| server.open_files(), |&now| now == files);
            drop(server.log_in("user 0"));
            eventually(|| server.open_files(), |&now| now == files);
        }
    });
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The status with which a handshake is answered, or nothing if the connection was reset: to
/// refuse somebody who still speaks can end like this.
fn status(mut socket: &TcpStream) -> Option<String> {
    socket.write_all(REQUEST).ok()?;
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[9..]).into_owned())
}

#[test]
fn more_connections_than_there_are_places() {
    const PLACES: usize = 50;
    Scene {
        name: "4,000 connections to 50 places",
        arguments: &["--max-connections", "50"],
        during_mib: [8, 32],
        after_mib: [8, 16],
        ..Scene::default()
    }
    .play(|server, _| {
        let [served, refused, reset] = [const { AtomicUsize::new(0) }; 3];
        thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    let mut held = Vec::new();
                    for _ in 0..500 {
                        let socket = socket(server);
                        match status(&socket).as_deref() {
                            Some("101") => {
                                served.fetch_add(1, Relaxed);
                                held.push(socket);
                            }
                            Some("503") => {
                                refused.fetch_add(1, Relaxed);
                                // Makes room, for which all then compete.
                                held.pop();
                            }
                            Some(status) => panic!("{status}"),
                            None => drop(reset.fetch_add(1, Relaxed)),
                        }
                    }
                });
            }
        });
        println!("    {served:?} were served, {refused:?} got a 503, {reset:?} were reset");
        assert!(refused.into_inner() > 0);
        assert!(served.into_inner() > PLACES, "places are given free again");
        // All of them can be had, but for the lively ones', and no more.
        let mut all: Vec<TcpStream> = Vec::new();
        while all.len() < PLACES - 2 {
            let attempt = || {
                let socket = socket(server);
                (status(&socket).as_deref() == Some("101")).then_some(socket)
            };
            all.extend(eventually(attempt, Option::is_some));
        }
        assert_ne!(status(&socket(server)).as_deref(), Some("101"));
    });
}
