//! What the core decides about a connection's life, seen over real sockets. The time limits
//! themselves are tested in virtual time; here, only that each adapter carries them out.

use std::{
    thread,
    time::{Duration, Instant},
};

use switchboard::Settings;
use switchboard_core::{Config, Heartbeat, Rate};
use switchboard_tests::{Adapter, Client, Heard, Server, eventually};

/// So short that a test need not wait for it.
const SHORT: Duration = Duration::from_millis(50);

/// Longer than an answer takes on a slow machine.
const LONGER: Duration = Duration::from_secs(3);

/// Runs a row through all adapters, side by side.
fn on_each_adapter(hub: Config, row: impl Fn(&Server) + Sync) {
    thread::scope(|threads| {
        for adapter in Adapter::ALL {
            let settings = Settings { hub: hub.clone(), ..Settings::default() };
            let server = Server::start_with_send_buffer(64 << 10, adapter, settings);
            let row = &row;
            let run = move || row(&server);
            let thread = thread::Builder::new().name(format!("{adapter:?}"));
            thread.spawn_scoped(threads, run).expect("a thread");
        }
    });
}

/// Passes over all text.
fn close_code(client: &mut Client) -> u16 {
    loop {
        if let Heard::Closed(code) = client.hear() {
            return code;
        }
    }
}

#[test]
fn who_is_silent_is_pinged_and_stays_if_it_answers() {
    let heartbeat = Some(Heartbeat { interval: SHORT, timeout: LONGER });
    on_each_adapter(Config { heartbeat, ..Config::default() }, |server| {
        let mut alice = server.log_in("alice");
        // The second one comes when the first has been found to be answered.
        alice.answers_ping();
        alice.answers_ping();
        alice.say("alice:still here");
        alice.hears("still here");
    });
}

#[test]
fn who_does_not_answer_a_ping_is_closed() {
    let heartbeat = Some(Heartbeat { interval: SHORT, timeout: SHORT });
    on_each_adapter(Config { heartbeat, ..Config::default() }, |server| {
        // Nothing is read, so no ping is answered.
        let mut silent = server.log_in("silent");
        eventually(|| server.log_in("alice").answer_to("alice", "silent:?"), Option::is_some);
        assert_eq!(close_code(&mut silent), 4003);
    });
}

#[test]
fn who_reads_nothing_is_closed() {
    let config = Config { stall_timeout: Some(SHORT), heartbeat: None, ..Config::default() };
    on_each_adapter(config, |server| {
        let stalled = server.log_in("stalled");
        let mut alice = server.log_in("alice");
        let message = format!("stalled:{}", "x".repeat(32 << 10));
        let answer = eventually(|| alice.answer_to("alice", &message), Option::is_some);
        assert_eq!(answer.as_deref(), Some("error: stalled is not online"));
        drop(stalled);
    });
}

#[test]
fn who_sends_too_fast_gets_errors_and_is_then_closed() {
    // So slow that no test lasts long enough for another one.
    let message_rate = Some(Rate { per_second: 1, burst: 10 });
    on_each_adapter(Config { message_rate, ..Config::default() }, |server| {
        let mut alice = server.log_in("alice");
        for _ in 0..60 {
            alice.try_say("alice:hi");
        }
        let mut heard = Vec::new();
        let code = loop {
            match alice.hear() {
                Heard::Text(text) => heard.push(text),
                Heard::Closed(code) => break code,
            }
        };
        let (taken, refused) = heard.split_at(heard.partition_point(|text| text == "hi"));
        // The login was one of them; more than a second may have passed.
        assert!((9..30).contains(&taken.len()), "{heard:?}");
        assert!((5..30).contains(&refused.len()), "{heard:?}");
        let told = "error: too fast, not more than 1 message a second";
        assert!(refused.iter().all(|text| text == told || text == "hi"), "{heard:?}");
        assert_eq!(code, 1008);
    });
}

#[test]
fn an_address_has_so_many_logins() {
    let login_rate = Some(Rate { per_second: 1, burst: 5 });
    on_each_adapter(Config { login_rate, ..Config::default() }, |server| {
        let answer = |number: usize| {
            let mut client = server.connect();
            client.say(&number.to_string());
            client.hear()
        };
        let refused = (0..100).map(answer).find(|answer| {
            *answer
                == Heard::Text("error: too many logins from this address, try again later".into())
        });
        assert!(refused.is_some(), "nobody was refused");
    });
}

#[test]
fn when_the_server_stops_the_closes_are_spread() {
    const CLIENTS: usize = 20;
    thread::scope(|threads| {
        for adapter in [Adapter::Smol, Adapter::Blocking] {
            threads.spawn(move || {
                let drain = Duration::from_secs(1);
                let server = Server::start(adapter, Settings { drain, ..Settings::default() });
                let uid = |number: usize| number.to_string();
                let mut clients: Vec<_> = (0..CLIENTS).map(|n| server.log_in(&uid(n))).collect();
                let start = Instant::now();
                server.stop();
                let closed = |client: &mut Client| {
                    client.hears_close(1001);
                    start.elapsed()
                };
                let last = clients.iter_mut().map(closed).max().expect("a client");
                // However slow the machine is, it does not come sooner.
                assert!(last > drain / 2, "all were closed within {last:?}");
            });
        }
    });
}
