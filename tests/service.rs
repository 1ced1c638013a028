//! The server as a service: what it tells the service manager, the socket that it is passed, its
//! unit files.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::{Path, PathBuf},
    process::{self, Command},
    thread,
    time::Duration,
};

use switchboard_tests::{Client, Process, eventually};

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// A service manager's socket, and the variable of the environment that names it.
fn manager() -> (UnixDatagram, String) {
    // Not in the target folder: a socket's path has at most 107 bytes.
    let path = env::temp_dir().join(format!("switchboard-tests-{}", process::id()));
    drop(fs::remove_file(&path));
    let socket = UnixDatagram::bind(&path).expect("nobody else has this name");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout above zero");
    (socket, format!("NOTIFY_SOCKET={}", path.display()))
}

fn hears(manager: &UnixDatagram, expected: &str) {
    let mut buffer = [0; 1024];
    let length = manager.recv(&mut buffer).expect("the server tells something");
    assert_eq!(str::from_utf8(&buffer[..length]).expect("text"), expected);
}

#[test]
fn the_service_manager_is_told_of_the_start_and_the_stop() {
    let (manager, variable) = manager();
    for runtime in ["smol", "blocking"] {
        let mut server = Process::start("env", &[&variable, SERVER, "--runtime", runtime]);
        let status = format!("STATUS=listening on ws://{}", server.address());
        hears(&manager, &format!("READY=1\n{status}\n"));
        server.signal("TERM");
        hears(&manager, "STOPPING=1\nSTATUS=closing all connections\n");
        assert_eq!(server.wait().code(), Some(0));
    }
    let path = variable.trim_start_matches("NOTIFY_SOCKET=");
    fs::remove_file(path).expect("the manager's socket is there");
}

#[test]
fn a_service_manager_that_does_not_listen_is_no_reason_to_stop() {
    let script = format!("exec {SERVER} \"$@\" 2>&1");
    let environment = "NOTIFY_SOCKET=/no/such/socket";
    let mut server =
        Process::start("env", &[environment, "sh", "-c", &script, "sh", "--log", "warn"]);
    let line = server.line_of_output();
    assert!(line.contains("cannot tell the service manager: No such file"), "{line}");
    server.log_in("alice");
}

#[test]
fn a_hangup_does_not_end_it() {
    let script = format!("exec {SERVER} \"$@\" 2>&1");
    let mut server = Process::start("sh", &["-c", &script, "sh"]);
    let mut alice = server.log_in("alice");
    server.signal("HUP");
    server.signal("HUP");
    eventually(|| server.line_of_output(), |line| line.contains("nothing to reload"));
    alice.say("alice:still here");
    alice.hears("still here");
    server.signal("TERM");
    alice.hears_close(1001);
    assert_eq!(server.wait().code(), Some(0));
}

/// The server's command, with a socket as file descriptor 3 and these words of `sh` before it.
fn with_socket(socket: OwnedFd, words: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{words} exec {SERVER} \"$@\" 3<&0 </dev/null"), "sh"]);
    command.stdin(socket);
    command
}

const PASSED: &str = "export LISTEN_FDS=1 LISTEN_PID=$$;";

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    (listener, address)
}

#[test]
fn a_passed_socket_takes_the_place_of_the_address() {
    for runtime in ["smol", "blocking"] {
        let (listener, address) = listener();
        // It makes no difference how whoever opened the socket read from it.
        listener.set_nonblocking(runtime == "blocking").expect("a TCP socket");
        let mut command = with_socket(listener.into(), PASSED);
        command.args(["--runtime", runtime]);
        let server = Process::start_command(command);
        assert_eq!(server.address(), address);
        let mut alice = server.log_in("alice");
        alice.say("alice:hello");
        alice.hears("hello");
    }
}

/// Whoever holds the socket holds the port: who connects while the server restarts is served.
#[test]
fn a_restart_with_a_passed_socket_loses_nobody() {
    let (listener, address) = listener();
    let start = || {
        let socket = listener.try_clone().expect("a file descriptor to spare");
        Process::start_command(with_socket(socket.into(), PASSED))
    };
    let mut server = start();
    let mut alice = server.log_in("alice");
    server.signal("TERM");
    alice.hears_close(1001);
    assert_eq!(server.wait().code(), Some(0));

    let waiting = TcpStream::connect(address).expect("the queue has room");
    let _server = start();
    let mut bob = Client::over(waiting);
    bob.say("bob");
    bob.hears("login success, your uid is bob");
}

#[test]
fn a_socket_for_another_process_is_left_alone() {
    let (listener, address) = listener();
    let server =
        Process::start_command(with_socket(listener.into(), "export LISTEN_FDS=1 LISTEN_PID=1;"));
    assert_ne!(server.address(), address);
}

#[test]
fn sockets_that_are_of_no_use() {
    let (tcp, address) = listener();
    let connected = TcpStream::connect(address).expect("it listens");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let file = fs::File::open("/dev/null").expect("a device");
    for (socket, words, complaint) in [
        (tcp.into(), "export LISTEN_FDS=2 LISTEN_PID=$$;", "2 sockets were passed; expected one"),
        (connected.into(), PASSED, "the socket that was passed does not listen"),
        (datagrams.into(), PASSED, "the socket that was passed is of no use: expected TCP or Unix"),
        (
            OwnedFd::from(file),
            PASSED,
            "the socket that was passed is of no use: expected TCP or Unix",
        ),
    ] {
        let output = with_socket(socket, words).output().expect("the server can be run");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(
            (output.status.code(), &said[..]),
            (Some(2), &*format!("switchboard: {complaint}\n"))
        );
    }
}

/// The same with systemd's own program.
#[test]
fn systemd_can_pass_the_socket() {
    let (listener, address) = listener();
    drop(listener);
    // systemd starts the server when somebody connects.
    let first =
        thread::spawn(move || eventually(|| TcpStream::connect(address).ok(), Option::is_some));
    let listen = format!("--listen={address}");
    let server = Process::start("systemd-socket-activate", &[&listen, SERVER]);
    assert_eq!(server.address(), address);
    let mut alice = Client::over(first.join().expect("it connects").expect("a stream"));
    alice.say("alice");
    alice.hears("login success, your uid is alice");
}

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging")
}

/// `tests/all` installs it.
fn systemd_analyze(arguments: &[&str]) {
    let output = Command::new("systemd-analyze").args(arguments).output();
    let output = output.expect("Debian's package systemd is installed");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn systemd_takes_the_unit_files() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("units");
    fs::create_dir_all(&folder).expect("the folder of tests can be written");
    let units = ["switchboard.service", "switchboard.socket"].map(|unit| {
        let text = fs::read_to_string(packaging().join(unit)).expect("it is there");
        // systemd checks that the program can be executed.
        let text = text.replace("=/usr/local/bin/switchboard ", &format!("={SERVER} "));
        let path = folder.join(unit);
        fs::write(&path, text).expect("the folder of tests can be written");
        path.to_str().expect("text").to_owned()
    });
    systemd_analyze(&["verify", "--man=no", &units[0], &units[1]]);
    // 2.0 of 10; the network is what exposes a server.
    let security = ["security", "--no-pager", "--offline=true", "--threshold=20"];
    systemd_analyze(&[&security[..], &[&units[0]]].concat());
}

#[test]
fn the_packaged_settings_are_valid() {
    let settings = packaging().join("switchboard.toml");
    let status = Command::new(SERVER).arg("check-config").arg(settings).status();
    assert!(status.expect("the server can be run").success());
}
