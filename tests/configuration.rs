//! The settings: a file, the environment and flags; what is wrong with them; what they are.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use switchboard_tests::{Process, eventually};

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// A file of settings for one test.
fn file(test: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.toml"));
    fs::write(&path, text).expect("the folder of tests can be written");
    path
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    // It is ended if it serves instead of answering.
    Command::new("timeout")
        .args(["20", SERVER])
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .expect("the server can be run")
}

/// What a run says that goes well.
fn says(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(arguments, environment);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What a run says that ends with code 2.
fn complains(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(arguments, environment);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).expect("text")
}

/// The line of `print-config` with a setting, which is a comment if it is not set.
fn setting<'a>(printed: &'a str, name: &str) -> &'a str {
    let is_it = |line: &&str| line.trim_start_matches("# ").split(" = ").next() == Some(name);
    printed.lines().find(is_it).unwrap_or_else(|| panic!("no {name} in {printed}"))
}

#[test]
fn what_is_wrong_with_a_line_of_the_file() {
    for (line, complaint) in [
        ("login-timout = 10", "no such setting; did you mean login-timeout?"),
        ("login_timeout = 10", "no such setting; did you mean login-timeout?"),
        ("colour = 'red'", "no such setting; `switchboard print-config` shows all"),
        ("config = 'other.toml'", "no such setting; `switchboard print-config` shows all"),
        (
            "login-timeout = 'soon'",
            "expected a time above 0, such as 10 or 0.5 (seconds), 500ms or 2m, \
             at most 100000000 seconds",
        ),
        (
            "login-timeout = -1",
            "expected a time above 0, such as 10 or 0.5 (seconds), 500ms or 2m, \
             at most 100000000 seconds",
        ),
        (
            "max-message = '64k'",
            "expected a number of bytes from 1 to 67108864, with or without KiB, MiB or GiB \
             behind it",
        ),
        (
            "user-ring-bytes = 0",
            "expected a number of bytes from 1 to 1073741824, with or without KiB, MiB or GiB \
             behind it",
        ),
        ("max-connections = true", "expected a whole number from 1 to 1000000000"),
        ("max-connections = 1.5", "expected a whole number from 1 to 1000000000"),
        ("max-connections = 0", "expected a whole number from 1 to 1000000000"),
        ("max-connections = []", "expected one value, not a list"),
        ("runtime = 'tokio'", "expected one of smol, blocking"),
        ("log = ['info']", "expected one value, not a list"),
        ("duplicate-uid = 1979-05-27", "expected one of replace, share, reject"),
        ("listen = 1234", "expected a text in quotes"),
        (
            "listen = '127.0.0.1'",
            "expected ADDR:PORT, such as 127.0.0.1:1234 or [::1]:1234, or unix:PATH",
        ),
    ] {
        let file = file("one_line", &format!("# settings\n{line}\n"));
        let path = file.to_str().expect("text");
        let expected = format!("{path}:2: {line}: {complaint}\n");
        assert_eq!(complains(&["check-config", path], &[]), expected);
        // Starting the server says the same.
        assert_eq!(complains(&["--config", path], &[]), expected);
    }
}

#[test]
fn what_is_not_toml() {
    for (text, complaint) in [
        ("\nlisten = \n", "2: listen =: not TOML: "),
        ("\n\nlisten 5", "3: listen 5: not TOML: "),
        ("listen = 'a:1'\nlisten = 'a:1'", "2: listen = 'a:1': not TOML: duplicate key"),
        ("log = 'info", "1: log = 'info: not TOML: "),
        ("[limits]\nmax-connections = 1", "1: limits: there are no sections; expected name = "),
        ("limits.max-connections = 1", "1: limits: there are no sections; expected name = value"),
    ] {
        let file = file("not_toml", text);
        let path = file.to_str().expect("text");
        let said = complains(&["check-config", path], &[]);
        assert!(said.starts_with(&format!("{path}:{complaint}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = "log = 'loud'\nruntime = \nlogin-timout = 1\n\nmax-message = 0\n";
    let file = file("all_at_once", text);
    let said = complains(&["check-config", file.to_str().expect("text")], &[]);
    let places: Vec<String> =
        said.lines().map(|line| line.split(':').take(2).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(places, [1, 2, 3, 5].map(|line| format!("{}:{line}", file.display())), "{said}");
}

#[test]
fn a_file_that_cannot_be_read() {
    assert_eq!(
        complains(&["check-config", "/no/such/file"], &[]),
        "switchboard: cannot read /no/such/file: No such file or directory\n"
    );
    assert_eq!(complains(&["--config", "/"], &[]), "switchboard: cannot read /: Is a directory\n");
    assert_eq!(
        complains(&["check-config"], &[]),
        "switchboard: which file? check-config FILE checks it\n"
    );
}

#[test]
fn a_valid_file() {
    let file = file("valid", "listen = '127.0.0.1:0' # any\nlogin-timeout = 0.5\n");
    let path = file.to_str().expect("text");
    let answer = format!("{path} is valid\n");
    assert_eq!(says(&["check-config", path], &[]), answer);
    assert_eq!(says(&["--config", path, "check-config"], &[]), answer);
    assert_eq!(says(&["check-config"], &[("SWITCHBOARD_CONFIG", path)]), answer);
}

#[test]
fn the_path_of_a_unix_socket_may_have_colons() {
    let file = file("colons", "listen = 'unix:/run/a:b'\nadmin-listen = 'unix:/run/a:b:80'\n");
    let path = file.to_str().expect("text");
    assert_eq!(says(&["check-config", path], &[]), format!("{path} is valid\n"));
    let bad = complains(&["--listen", "unix:"], &[]);
    assert!(bad.contains("expected ADDR:PORT"), "{bad}");
}

#[test]
fn bad_values_of_the_environment_name_the_variable() {
    let environment = [("SWITCHBOARD_RUNTIME", "tokio"), ("SWITCHBOARD_MAX_CONNECTIONS", "-5")];
    assert_eq!(
        complains(&[], &environment),
        "switchboard: SWITCHBOARD_RUNTIME='tokio', for --runtime: expected one of smol, blocking\n\
         switchboard: SWITCHBOARD_MAX_CONNECTIONS='-5', for --max-connections: \
         expected a whole number from 1 to 1000000000\n"
    );
    let wrong_flag = complains(&["--log", "loud"], &[]);
    assert!(wrong_flag.contains("'loud' for '--log <LEVEL>'"), "{wrong_flag}");
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file() {
    let text = "login-timeout = 1\nlog = 'error'\nmax-connections = 7\n";
    let file = file("strength", text);
    let path = file.to_str().expect("text");
    let environment = [
        ("SWITCHBOARD_CONFIG", path),
        ("SWITCHBOARD_LOGIN_TIMEOUT", "2s"),
        ("SWITCHBOARD_LOG", "warn"),
    ];
    // Flags may stand on either side of the command.
    for arguments in
        [["print-config", "--login-timeout=3m"], ["--login-timeout=3m", "print-config"]]
    {
        let printed = says(&arguments, &environment);
        assert_eq!(
            setting(&printed, "login-timeout"),
            "login-timeout = \"3m\"  # from --login-timeout; default 10"
        );
        assert_eq!(
            setting(&printed, "log"),
            "log = \"warn\"  # from SWITCHBOARD_LOG; default info"
        );
        let connections = format!("max-connections = 7  # from {path}:3; default 1000000");
        assert_eq!(setting(&printed, "max-connections"), connections);
        assert_eq!(setting(&printed, "runtime"), "runtime = \"smol\"  # default");
    }
}

/// What is printed is a valid file, and gives the same settings without flags and environment.
#[test]
fn printed_settings_are_a_file_of_the_same_settings() {
    let arguments = ["print-config", "--listen=[::1]:99", "--max-message", "5", "--log=off"];
    for arguments in [&arguments[..], &arguments[..1]] {
        let printed = says(arguments, &[("SWITCHBOARD_LOGIN_TIMEOUT", "0.25")]);
        let file = file("printed", &printed);
        let path = file.to_str().expect("text");
        says(&["check-config", path], &[]);
        let again = says(&["print-config", "--config", path], &[]);
        let table = |text: &str| text.parse::<toml::Table>().expect("TOML");
        assert_eq!(table(&printed), table(&again));
        assert!(!table(&printed).is_empty());
    }
}

#[test]
fn printed_settings_explain_themselves() {
    let help = says(&["--help"], &[]);
    let flags =
        help.lines().filter_map(|line| line.trim().strip_prefix("--")?.split([' ', '[']).next());
    let printed = says(&["print-config"], &[]);
    for flag in flags.filter(|flag| *flag != "config") {
        let line = setting(&printed, flag);
        assert!(line.ends_with("# default") || line.ends_with("# not set"), "{line}");
    }
    for line in [
        "# ---- Limits ----",
        "# What becomes of a second login with the same uid",
        "# - share: Both stay and receive",
        "# One of off, error, warn, info, debug, trace",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}");
    }
}

#[test]
fn the_file_reaches_the_server() {
    let text = "max-connections = 1\nlog = 'off'\nmax-message = '1KiB'\n";
    let file = file("reaches", text);
    let path = file.to_str().expect("text");
    for runtime in ["smol", "blocking"] {
        let server = Process::start(SERVER, &["--config", path, "--runtime", runtime]);
        let mut alice = server.log_in("alice");
        alice.say(&"x".repeat(1025));
        alice.hears_close(1009);
    }
}

#[test]
fn the_start_tells_the_memory_bound() {
    for (arguments, told) in [
        (
            "--max-connections 16 --user-ring-bytes 1MiB --everyone-ring-bytes 16MiB",
            "at most 16 connections; messages that wait to be read take at most 32.0 MiB",
        ),
        (
            "--max-connections 5000",
            "at most 64 connections, as many as this process may open files",
        ),
    ] {
        let script = format!("ulimit -n 64 && exec {SERVER} {arguments} \"$@\" 2>&1");
        let mut server = Process::start("sh", &["-c", &script, "sh"]);
        let line = server.line_of_output();
        assert!(line.contains(" INFO ") && line.contains(told), "{line}");
    }
}

/// Whether a connection gets as far as a WebSocket.
fn is_let_in(server: &Process) -> bool {
    const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    // It may be dropped before.
    drop(stream.write_all(HANDSHAKE.as_bytes()));
    let mut status = [0; 12];
    stream.read_exact(&mut status).is_ok() && status == *b"HTTP/1.1 101"
}

#[test]
fn no_more_are_let_in_than_there_may_be() {
    for runtime in ["smol", "blocking"] {
        let server = Process::start(SERVER, &["--max-connections", "1", "--runtime", runtime]);
        let alice = server.log_in("alice");
        assert!(!is_let_in(&server));
        drop(alice);
        eventually(|| is_let_in(&server), |is_in| *is_in);
    }
}
