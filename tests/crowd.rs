//! As many users as a process may have file descriptors, each within reach.

use switchboard_tests::{Client, Process};

#[test]
fn smol_reaches_15_000_users() {
    reach("smol", 15_000);
}

#[test]
fn blocking_reaches_1_000_users() {
    reach("blocking", 1_000);
}

/// Every user is reached by uid, and by a broadcast.
fn reach(runtime: &str, users: usize) {
    let server = Process::start(env!("CARGO_BIN_EXE_server"), &["--runtime", runtime]);
    let before = server.resident_kib();
    let mut clients: Vec<Client> =
        (0..users).map(|user| server.log_in(&format!("user {user}"))).collect();
    let after = server.resident_kib();
    println!("{runtime}: {} bytes of memory a user", (after - before) * 1024 / users as u64);

    let mut sender = server.log_in("sender");
    for (user, client) in clients.iter_mut().enumerate() {
        sender.say(&format!("user {user}:for {user}"));
        client.hears(&format!("for {user}"));
    }
    sender.say("all:for everybody");
    sender.hears("for everybody");
    for client in &mut clients {
        client.hears("for everybody");
    }
}
