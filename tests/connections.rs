//! What the core decides about a connection's life, seen over real sockets. The time limits
//! themselves are tested in virtual time; here, only that each adapter carries them out.

use std::{thread, time::Duration};

use switchboard::Settings;
use switchboard_core::{Config, Heartbeat};
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
