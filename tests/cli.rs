//! The server as a program: its options, its errors and its end.

use std::{
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    time::{Duration, Instant},
};

use switchboard_tests::Process;

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// The server, which is ended if it starts instead of failing.
fn command() -> Command {
    let mut command = Command::new("timeout");
    command.args(["20", SERVER]);
    command
}

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("the server can be run")
}

/// The program ends with code 2, and says this and nothing of its insides.
fn fails(output: &Output, words: &[&str]) {
    let error = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(2), "{error}");
    for word in words {
        assert!(error.contains(word), "{word:?} is not in {error:?}");
    }
    assert!(!error.contains("panicked") && !error.contains("backtrace"), "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn help_names_every_option_and_its_default() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("text");
    for (option, variable, default) in [
        ("--listen <ADDRESS>", "SWITCHBOARD_LISTEN", "127.0.0.1:1234"),
        ("--runtime <RUNTIME>", "SWITCHBOARD_RUNTIME", "smol"),
        ("--duplicate-uid <POLICY>", "SWITCHBOARD_DUPLICATE_UID", "replace"),
        ("--slow-reader <POLICY>", "SWITCHBOARD_SLOW_READER", "gap"),
        ("--max-message <BYTES>", "SWITCHBOARD_MAX_MESSAGE", "64KiB"),
        ("--login-timeout <TIME>", "SWITCHBOARD_LOGIN_TIMEOUT", "10"),
        ("--max-connections <COUNT>", "SWITCHBOARD_MAX_CONNECTIONS", "1000000"),
        ("--user-ring-messages <COUNT>", "SWITCHBOARD_USER_RING_MESSAGES", "256"),
        ("--user-ring-bytes <BYTES>", "SWITCHBOARD_USER_RING_BYTES", "256KiB"),
        ("--everyone-ring-messages <COUNT>", "SWITCHBOARD_EVERYONE_RING_MESSAGES", "1024"),
        ("--everyone-ring-bytes <BYTES>", "SWITCHBOARD_EVERYONE_RING_BYTES", "16MiB"),
        ("--log <LEVEL>", "SWITCHBOARD_LOG", "info"),
        ("--log-format <FORMAT>", "SWITCHBOARD_LOG_FORMAT", "text"),
    ] {
        for word in [option, variable, &format!("[default: {default}]")] {
            assert!(help.contains(word), "{word} is not in {help}");
        }
    }
}

#[test]
fn version() {
    let output = run(&["--version"]);
    assert!(output.status.success());
    let version = format!("switchboard {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).expect("text"), version);
}

#[test]
fn bad_values_name_the_option_the_value_and_what_was_expected() {
    for (arguments, words) in [
        (["--runtime", "tokio"], ["--runtime", "tokio", "smol, blocking"]),
        (["--duplicate-uid", "both"], ["--duplicate-uid", "both", "replace, share, reject"]),
        (["--slow-reader", "wait"], ["--slow-reader", "wait", "gap, close"]),
        (["--max-message", "0"], ["--max-message", "'0'", "from 1 to 67108864"]),
        (["--max-message", "64k"], ["--max-message", "64k", "a number of bytes"]),
        (["--login-timeout", "0"], ["--login-timeout", "'0'", "a time above 0"]),
        (["--login-timeout", "-1"], ["--login-timeout", "-1", "above 0"]),
        (["--login-timeout", "1e30"], ["--login-timeout", "1e30", "at most 100000000"]),
        (["--login-timeout", "nan"], ["--login-timeout", "nan", "a time above 0"]),
        (["--log", "loud"], ["--log", "loud", "off, error, warn"]),
        (["--colour", "red"], ["--colour", "", ""]),
    ] {
        fails(&run(&arguments), &words);
    }
}

#[test]
fn an_address_that_cannot_be_listened_on() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound listener has an address").to_string();
    fails(&run(&["--listen", &address]), &[&address, "in use", "--listen"]);
    for bad in ["nonsense", "127.0.0.1", "127.0.0.1:http:", "127.0.0.1:70000", ":1234", ""] {
        fails(&run(&["--listen", bad]), &["--listen", bad, "expected ADDR:PORT"]);
    }
    fails(&run(&["--listen", "no host:1"]), &["cannot listen on 'no host:1'"]);
    // A reserved address (RFC 1112, 4): no machine has it.
    fails(&run(&["--listen", "240.0.0.1:0"]), &["240.0.0.1:0", "no such address"]);
}

#[test]
fn an_output_that_cannot_be_written() {
    let full = std::fs::File::create("/dev/full").expect("a device of Linux");
    let output = command().args(["--listen", "127.0.0.1:0"]).stdout(full).output();
    fails(&output.expect("the server can be run"), &["cannot write to standard output"]);
}

#[test]
fn the_environment_sets_what_the_command_line_does_not() {
    let with_environment = |arguments: &[&str]| {
        command()
            .args(arguments)
            .env("SWITCHBOARD_LISTEN", "240.0.0.1:0")
            .env("SWITCHBOARD_RUNTIME", "blocking")
            .output()
            .expect("the server can be run")
    };
    fails(&with_environment(&[]), &["240.0.0.1:0"]);
    fails(&with_environment(&["--listen", "240.0.0.2:0"]), &["240.0.0.2:0"]);
    let output =
        command().env("SWITCHBOARD_MAX_MESSAGE", "much").output().expect("the server can be run");
    fails(&output, &["SWITCHBOARD_MAX_MESSAGE", "--max-message", "much"]);
}

#[test]
fn options_reach_the_server() {
    for runtime in ["smol", "blocking"] {
        let server = Process::start(
            SERVER,
            &["--runtime", runtime, "--duplicate-uid", "reject", "--max-message", "100"],
        );
        let mut alice = server.log_in("alice");
        let mut second = switchboard_tests::Client::connect(server.address());
        second.say("alice");
        second.hears("error: alice is already online");
        alice.say(&"x".repeat(101));
        alice.hears_close(1009);
    }
}

/// Ctrl-C and SIGTERM close everybody, whether they read or not, and the server ends well in time.
#[test]
fn signals_end_it_in_order() {
    for runtime in ["smol", "blocking"] {
        for signal in ["INT", "TERM"] {
            let mut server = Process::start(SERVER, &["--runtime", runtime]);
            let mut alice = server.log_in("alice");
            let mut stuck = server.log_in("stuck");
            // More than the two sockets' buffers hold.
            for _ in 0..200 {
                stuck.say(&format!("stuck:{}", "x".repeat(60_000)));
            }

            let start = Instant::now();
            server.signal(signal);
            alice.hears_close(1001);
            assert_eq!(server.wait().code(), Some(0));
            // It would be the stall timeout otherwise, a minute and more.
            assert!(start.elapsed() < Duration::from_secs(30));
            assert_eq!(server.rest_of_output(), "");
        }
    }
}

/// The table of file descriptors is full to the last one when the server is to end.
#[test]
fn signals_end_it_without_a_file_descriptor_to_spare() {
    for runtime in ["smol", "blocking"] {
        for limit in 30..34 {
            let limited = format!("ulimit -n {limit} && exec {SERVER} \"$@\" 2>/dev/null");
            let arguments = ["-c", &limited, "sh", "--runtime", runtime];
            let mut server = Process::start("sh", &arguments);
            let mut clients = vec![server.log_in("somebody")];
            let room = limit - server.open_files() - 1;
            clients.extend((0..room).map(|user| server.log_in(&format!("user {user}"))));
            server.signal("TERM");
            for mut client in clients {
                client.hears_close(1001);
            }
            assert_eq!(server.wait().code(), Some(0));
        }
    }
}

#[test]
fn too_few_file_descriptors_are_survived_and_explained() {
    for runtime in ["smol", "blocking"] {
        let limited = format!("ulimit -n 24 && exec {SERVER} \"$@\" 2>&1");
        let arguments = ["-c", &limited, "sh", "--runtime", runtime, "--log", "warn"];
        let mut server = Process::start("sh", &arguments);
        // Those that cannot be accepted wait in the system's queue.
        let sockets: Vec<TcpStream> = (0..40)
            .map(|_| TcpStream::connect(server.address()).expect("the queue has room"))
            .collect();
        let line = server.line_of_output();
        assert!(line.contains("Too many open files"), "{line}");
        assert!(line.contains("ulimit -n"), "{line}");
        drop(sockets);
        let mut alice = server.log_in("alice");
        alice.say("alice:still served");
        alice.hears("still served");
    }
}
