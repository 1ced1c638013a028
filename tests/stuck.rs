//! One client that does not read, beside two hundred that do.

use std::{sync::Barrier, thread, time::Duration};

use switchboard::Settings;
use switchboard_core::{Config, RingLimit, SlowReader};
use switchboard_tests::{Adapter, Client, Heard, Process, Server};

const LIVELY: usize = 200;
const ROUNDS: usize = 60;

/// Less than any ring here holds, so that who reads misses nothing.
const MESSAGES_A_ROUND: usize = 8;

const PADDING: usize = 2000;

fn settings(slow_reader: SlowReader) -> Settings {
    let ring = RingLimit { entries: 32, bytes: 64 << 10 };
    // Long enough for the stuck one to come back and read why it was closed.
    let close_timeout = Duration::from_secs(60);
    let rings = Config { everyone_ring: ring, user_ring: ring, ..Config::default() };
    let hub = Config { slow_reader, close_timeout, ..rings };
    Settings { hub, max_message: 4 << 10, ..Settings::default() }
}

fn number(text: &str) -> usize {
    text.split(' ').next().and_then(|number| number.parse().ok()).expect("a numbered message")
}

/// Broadcasts to the lively clients, round after round, each of which begins when everybody has
/// read the one before: none of them may miss anything, and nothing depends on speed.
fn broadcast_to_lively(server: &Server) {
    let round = Barrier::new(LIVELY + 1);
    thread::scope(|threads| {
        for reader in 0..LIVELY {
            let mut client = server.log_in(&format!("reader {reader}"));
            let round = &round;
            threads.spawn(move || {
                for expected in 0..ROUNDS * MESSAGES_A_ROUND {
                    match client.hear() {
                        Heard::Text(text) => assert_eq!(number(&text), expected),
                        closed => panic!("{closed:?}"),
                    }
                    if (expected + 1) % MESSAGES_A_ROUND == 0 {
                        round.wait();
                    }
                }
            });
        }
        let mut sender = server.log_in("sender");
        let padding = "x".repeat(PADDING);
        for first in (0..ROUNDS * MESSAGES_A_ROUND).step_by(MESSAGES_A_ROUND) {
            for number in first..first + MESSAGES_A_ROUND {
                sender.say(&format!("all:{number} {padding}"));
            }
            for number_heard in first..first + MESSAGES_A_ROUND {
                match sender.hear() {
                    Heard::Text(text) => assert_eq!(number(&text), number_heard),
                    closed => panic!("{closed:?}"),
                }
            }
            round.wait();
        }
    });
}

#[test]
fn with_gaps_the_stuck_one_learns_exactly_what_it_has_missed() {
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        let server = Server::start_with_send_buffer(16 << 10, adapter, settings(SlowReader::Gap));
        let mut stuck = server.log_in("stuck");
        broadcast_to_lively(&server);

        let (mut next, mut missed) = (0, 0);
        while next < ROUNDS * MESSAGES_A_ROUND {
            let Heard::Text(text) = stuck.hear() else { panic!("it was closed") };
            if let Some(gap) = text.strip_prefix("error: you missed ") {
                missed += number(gap);
                next += number(gap);
            } else {
                assert_eq!(number(&text), next);
                next += 1;
            }
        }
        assert!(missed > 0, "it was not stuck for long enough to prove anything");
        println!("    the stuck one missed {missed}");
        stuck.say("stuck:back again");
        stuck.hears("back again");
    }
}

#[test]
fn with_close_the_stuck_one_is_closed() {
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        let server = Server::start_with_send_buffer(16 << 10, adapter, settings(SlowReader::Close));
        let mut stuck = server.log_in("stuck");
        broadcast_to_lively(&server);

        let mut bob = server.log_in("bob");
        bob.say("stuck:are you there?");
        bob.hears("error: stuck is not online");

        let mut next = 0;
        let code = loop {
            match stuck.hear() {
                Heard::Text(text) => {
                    assert_eq!(number(&text), next, "a gap");
                    next += 1;
                }
                Heard::Closed(code) => break code,
            }
        };
        println!("    the stuck one read {next} and was closed with {code}");
        assert_eq!(code, 4002);
        assert!(next < ROUNDS * MESSAGES_A_ROUND);
    }
}

/// A flood for one who does not read takes no more memory than the configuration allows.
#[test]
fn memory_stays_bounded() {
    const MIB: u64 = 1024;
    const FLOOD_MIB: usize = 256;
    for runtime in ["smol", "blocking"] {
        println!("{runtime}");
        let server = Process::start(env!("CARGO_BIN_EXE_server"), &["--runtime", runtime]);
        let stuck = server.log_in("stuck");
        let mut sender = server.log_in("sender");
        let flood = format!("stuck:{}", "x".repeat(60_000));
        let mut flood_with = |mib: usize| {
            for _ in 0..mib << 20 >> 16 {
                sender.say(&flood);
                // An answer, so that the server has taken the message.
                sender.say("sender:taken");
                sender.hears("taken");
            }
        };
        flood_with(16);
        let before = server.resident_kib();
        flood_with(FLOOD_MIB);
        let after = server.resident_kib();
        println!("    {before} KiB before, {after} KiB after {FLOOD_MIB} MiB");
        assert!(after < before + 4 * MIB, "{before} KiB became {after} KiB");
        drop::<Client>(stuck);
    }
}
