//! Clients that log in and read nothing.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use switchboard::Settings;
use switchboard_core::{Config, RingLimit};
use switchboard_tests::{Adapter, Client, Heard, Process, Server, eventually};

use crate::scene::{RUNTIMES, Scene, alone, log_in_with_small_buffer};

/// With `blocking`, two threads each.
const DEAF: usize = 1000;

/// Memory that a client takes which reads nothing, beyond the messages that the hub keeps: a batch
/// that is half written, twice while it is put together, and with `blocking` two stacks. For smol and
/// blocking.
const KIB_EACH: [u64; 2] = [32, 96];

const MAX_CONNECTIONS: usize = DEAF + 20;

fn deaf(server: &Process) -> Vec<Client> {
    let deaf = |number| log_in_with_small_buffer(server.address(), &format!("deaf {number}"));
    (0..DEAF).map(deaf).collect()
}

/// The most that messages can take, by what the server is told below.
fn payload_bound_mib() -> u64 {
    let ring = |kib: usize| RingLimit { bytes: kib << 10, ..Config::default().user_ring };
    let hub = Config {
        max_connections: MAX_CONNECTIONS,
        user_ring: ring(16),
        everyone_ring: ring(1024),
        max_groups: 0,
        ..Config::default()
    };
    let settings = Settings { hub, max_message: 16 << 10, ..Settings::default() };
    u64::try_from(settings.hub_config().payload_bound()).expect("a bound in reach") >> 20
}

#[test]
fn memory_for_those_who_read_nothing_is_bounded() {
    let bound = payload_bound_mib();
    println!("messages may take {bound} MiB");
    let count = MAX_CONNECTIONS.to_string();
    let rings = ["--user-ring-bytes", "16KiB", "--everyone-ring-bytes", "1MiB"];
    let others = ["--max-message", "16KiB", "--max-connections", &count];
    let for_ever = ["--stall-timeout", "0", "--ping-interval", "0"];
    Scene {
        name: "1,000 clients that read nothing",
        arguments: &[&rings[..], &others, &for_ever].concat(),
        during_mib: KIB_EACH.map(|kib| bound + (DEAF as u64 * kib).div_ceil(1024)),
        after_mib: [32, 32],
        ..Scene::default()
    }
    .play(|server, lively| {
        let deaf = deaf(server);
        lively.broadcast(true);
        // More than the ring holds and than the sockets take.
        eventually(|| lively.broadcasts(), |&count| count >= 300);
        lively.broadcast(false);
        lively.goes_on();
        let mut carol = server.log_in("carol");
        let letter = "x".repeat(7000);
        for number in 0..DEAF {
            for _ in 0..3 {
                assert_eq!(carol.answer_to("carol", &format!("deaf {number}:{letter}")), None);
            }
        }
        drop(deaf);
    });
}

/// They keep their sockets open. It is the server that lets go.
#[test]
fn those_who_read_nothing_are_closed() {
    for runtime in RUNTIMES {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deaf-{runtime}.log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command
            .args(["--runtime", runtime, "--stall-timeout", "1", "--log", "debug"])
            .stderr(File::create(&log).expect("the folder of tests can be written"));
        Scene {
            name: "1,000 clients that read nothing for too long",
            during_mib: [64, 160],
            after_mib: [32, 32],
            ..Scene::default()
        }
        .play_on(runtime, command, |server, lively| {
            let files = server.open_files();
            // News while they come, too: nothing says when one stops to read.
            lively.broadcast(true);
            let deaf = deaf(server);
            eventually(|| server.open_files(), |&now| now == files);
            lively.broadcast(false);
            drop(deaf);
        });
        let log = fs::read_to_string(log).expect("text");
        let closed = log.lines().filter(|line| line.contains("reading too slowly")).count();
        assert_eq!(closed, DEAF);
    }
}

/// The same where they do read in the end.
#[test]
fn those_who_read_too_late_read_why_they_were_closed() {
    const LATE: usize = 50;
    let _alone = alone();
    let hub = Config {
        stall_timeout: Some(Duration::from_millis(200)),
        // Long enough to come back and read.
        close_timeout: Duration::from_secs(60),
        heartbeat: None,
        ..Config::default()
    };
    thread::scope(|threads| {
        for adapter in Adapter::ALL {
            let settings = Settings { hub: hub.clone(), ..Settings::default() };
            threads.spawn(move || {
                let server = Server::start_with_send_buffer(16 << 10, adapter, settings);
                let late: Vec<Client> = (0..LATE)
                    .map(|number| {
                        log_in_with_small_buffer(server.address(), &format!("late {number}"))
                    })
                    .collect();
                let mut alice = server.log_in("alice");
                let news = format!("news {}", "x".repeat(7000));
                for number in 0..LATE {
                    let is_gone = || {
                        alice.say(&format!("all:{news}"));
                        alice.hears(&news);
                        alice.answer_to("alice", &format!("late {number}:?"))
                    };
                    eventually(is_gone, Option::is_some);
                }
                for mut client in late {
                    let code = loop {
                        match client.hear() {
                            Heard::Text(_) => {}
                            Heard::Closed(code) => break code,
                        }
                    };
                    assert_eq!(code, 4002, "{adapter:?}");
                }
            });
        }
    });
}
