//! `switchboard bench`: what is sent adds up to what is received, and what is lost is noticed.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use switchboard::{Settings, tls::Tls};
use switchboard_core::Config;
use switchboard_tests::{Adapter, Certificate, OtherServer, Process, Quirk, Server};

const PROGRAM: &str = env!("CARGO_BIN_EXE_server");

fn command(url: &str, arguments: &str) -> Command {
    // It is ended if it goes on without end.
    let mut command = Command::new("timeout");
    command.args(["60", PROGRAM, "bench", url]).args(arguments.split_whitespace());
    command
}

fn run(url: &str, arguments: &str) -> Output {
    command(url, arguments).output().expect("the program can be run")
}

fn ws(address: SocketAddr) -> String {
    format!("ws://{address}")
}

/// The report of a run that ends with `code`. Its figures add up.
fn report(output: &Output, code: i32) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{error}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(error, "");
    let report: Value = serde_json::from_slice(&output.stdout).expect("nothing but JSON");
    let number = |part: &str, name: &str| report[part][name].as_u64().expect("a number");
    for name in ["sent", "expected", "received", "lost"] {
        assert_eq!(
            number("run", name),
            number("unicast", name) + number("broadcast", name),
            "{name}"
        );
    }
    for part in ["run", "unicast", "broadcast"] {
        assert_eq!(number(part, "expected"), number(part, "received") + number(part, "lost"));
    }
    for (times, is_there) in [
        (&report["unicast"]["latency_us"], number("unicast", "received") > 0),
        (&report["broadcast"]["latency_us"], number("broadcast", "received") > 0),
        (&report["connect"]["latency_us"], report["connect"]["logged_in"] != 0),
    ] {
        let times = ["p50", "p90", "p99", "p99_9", "max"].map(|name| times[name].as_f64());
        assert!(times.is_sorted(), "{times:?}");
        assert_eq!(times[0].is_some_and(|time| time > 0.0), is_there, "{times:?}");
    }
    report
}

/// It ends with code 2, and says why in a line.
fn fails(output: &Output, words: &[&str]) {
    let error = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    for word in words {
        assert!(error.contains(word), "{word:?} is not in {error:?}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn all_that_is_sent_arrives() {
    for adapter in Adapter::ALL {
        let server = Server::start(adapter, Settings::default());
        let url = ws(server.address());
        // At one in flight, two threads of three have none.
        for pace in ["--in-flight 1 --threads 3", "--in-flight 20", "--rate 2000 --threads 2"] {
            let arguments =
                format!("--json --users 7 --messages 300 --warmup 0.05 --size 100 {pace} --mode");
            let run = |mode: &str| report(&run(&url, &format!("{arguments} {mode}")), 0);
            let unicast = run("unicast");
            assert_eq!(unicast["unicast"]["received"], 300, "{adapter:?} {arguments}");
            let broadcast = run("broadcast");
            assert_eq!(broadcast["broadcast"]["sent"], 300);
            assert_eq!(broadcast["broadcast"]["received"], 7 * 300);
            let mixed = run("mixed --broadcast-share 0.3");
            assert_eq!(mixed["run"]["sent"], 300);
            for part in ["unicast", "broadcast"] {
                assert_ne!(mixed[part]["received"], 0);
            }
        }
    }
}

#[test]
fn one_user_writes_to_itself_and_for_some_time() {
    let server = Server::start(Adapter::Smol, Settings::default());
    let arguments = "--json --users 1 --threads 4 --duration 0.3 --warmup 0 --mode mixed";
    let report = report(&run(&ws(server.address()), arguments), 0);
    assert_ne!(report["run"]["received"], 0);
    assert_eq!(report["threads"], 1);
}

#[test]
fn a_report_for_people() {
    let server = Server::start(Adapter::Smol, Settings::default());
    let output = run(&ws(server.address()), "--users 3 --messages 50 --warmup 0 --mode broadcast");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("broadcast  150 of 150 deliveries, 0 lost\n"), "{text}");
}

#[test]
fn large_messages_that_come_in_pieces() {
    let server = OtherServer::start(Quirk::Splits);
    let arguments = "--json --users 4 --messages 40 --warmup 0 --size 200000 --mode mixed";
    let report = report(&run(&ws(server.address()), arguments), 0);
    assert_eq!(report["run"]["sent"], 40);
}

#[test]
fn what_is_lost_is_noticed() {
    for pace in ["--in-flight 50", "--rate 5000"] {
        let arguments =
            format!("--json --users 5 --messages 100 --warmup 0 --timeout 2 {pace} --mode");
        for (mode, expected) in [("unicast", 100), ("broadcast", 500)] {
            let server = OtherServer::start(Quirk::Loses(10));
            let report = report(&run(&ws(server.address()), &format!("{arguments} {mode}")), 1);
            assert_eq!(report["run"]["expected"], expected, "{mode} {pace}");
            assert_eq!(report["run"]["lost"], expected / 10, "{mode} {pace}");
        }
        let server = OtherServer::start(Quirk::Repeats(10));
        let report = report(&run(&ws(server.address()), &format!("{arguments} unicast")), 1);
        assert_eq!(report["run"]["lost"], 0);
        assert_eq!(report["run"]["surplus"], 10);
    }
}

#[test]
fn connections_that_end_are_counted_and_the_others_go_on() {
    let arguments = "--json --users 4 --messages 200 --warmup 0 --timeout 2";
    for (quirk, code) in [(Quirk::Closes(20), 4000), (Quirk::HangsUp(20), 1006)] {
        let server = OtherServer::start(quirk);
        let report = report(&run(&ws(server.address()), arguments), 1);
        assert_eq!(report["closes"]["total"], 1, "{report}");
        assert_eq!(report["closes"]["each"][0]["code"], code);
        assert_eq!(report["run"]["sent"], 200);
        assert_ne!(report["run"]["lost"], 0);
    }
    let server = OtherServer::start(Quirk::HangsUp(0));
    let output = run(&ws(server.address()), "--json --users 1 --messages 5 --warmup 0");
    assert_eq!(report(&output, 1)["closes"]["total"], 1);
}

#[test]
fn complaints_of_the_server_are_told() {
    let rate = Some(switchboard_core::Rate { per_second: 1, burst: 2 });
    let hub = Config { message_rate: rate, ..Config::default() };
    let server = Server::start(Adapter::Smol, Settings { hub, ..Settings::default() });
    let arguments = "--json --users 2 --messages 10 --warmup 0 --timeout 2 --in-flight 10";
    let report = report(&run(&ws(server.address()), arguments), 1);
    assert_ne!(report["problems"]["total"], 0);
    let text = report["problems"]["each"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("error: "), "{text}");
}

#[test]
fn no_run_without_logins() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = ws(free.local_addr().expect("a bound listener has an address"));
    fails(&run(&url, "--users 1 --timeout 0.2"), &["bench-", "not logged in after 0.2 s"]);
    fails(&run("ws://127.0.0.1:1", ""), &["cannot log in to 127.0.0.1:1: Connection refused"]);
    fails(&run("ws://no.such.host.invalid", ""), &["cannot find no.such.host.invalid"]);

    let server = OtherServer::start(Quirk::Ignores);
    let arguments = "--users 3 --timeout 0.2 --prefix u";
    fails(&run(&ws(server.address()), arguments), &["u0 was not logged in after 0.2 s"]);

    let server = Process::start(PROGRAM, &["--duplicate-uid", "reject", "--max-connections", "9"]);
    let url = ws(server.address());
    let taken = server.log_in("u3");
    fails(&run(&url, "--users 5 --prefix u"), &["login of u3: error: u3 is already online"]);
    drop(taken);
    fails(&run(&url, "--users 10 --connect-concurrency 1"), &["answered 503", "after 9 of 10"]);
    fails(&run(&format!("{url}/v1/stats?x"), "--users 1 --source ::1"), &["--source ::1"]);
    fails(&run(&url, "--users 1 --source 192.0.2.1"), &["cannot connect from 192.0.2.1"]);
}

#[test]
fn too_few_file_descriptors() {
    let script = format!("ulimit -n 60 && exec {PROGRAM} bench ws://127.0.0.1:1 --users 100");
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    fails(&output, &["100 users need", "60 are allowed", "are missing; raise ulimit -n"]);
}

#[test]
fn bad_arguments() {
    let url = "ws://127.0.0.1:1";
    for (arguments, words) in [
        ("--users 0", "from 1 to"),
        ("--mode both", "unicast, broadcast, mixed"),
        ("--broadcast-share 2", "from 0 to 1"),
        ("--rate 0", "so many a second"),
        ("--rate 5 --in-flight 5", "cannot be used with"),
        ("--duration 1 --messages 5", "cannot be used with"),
        ("--duration 31d", "at most 30 days"),
        ("--size 31", "from 32 to"),
        ("--source 1.2.3", "an IP address"),
        ("--prefix a:b", "without :"),
        ("--log off", "unexpected argument '--log'"),
    ] {
        let output = run(url, arguments);
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(words), "{words:?} is not in {error:?}");
    }
    let output = run("http://127.0.0.1", "");
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected a URL"));
    fails(&run("wss://h", "--ca /no/such/file"), &["'/no/such/file'"]);
    fails(&run(url, "--broadcast-share 0.5"), &["--broadcast-share goes with --mode mixed only"]);
}

/// Its help shows its own options only, and the server's help names it.
#[test]
fn help() {
    let help = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).output().expect("it can be run");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text")
    };
    let own = help(&["bench", "--help"]);
    for word in ["--users", "--in-flight", "--rate", "--json", "The exit code is 0"] {
        assert!(own.contains(word), "{word} is not in {own}");
    }
    for word in ["--login-timeout", "--listen", "SWITCHBOARD_"] {
        assert!(!own.contains(word), "{word} is in {own}");
    }
    assert!(help(&["--help"]).contains("  bench "));
    let misplaced = Command::new(PROGRAM).args(["--log", "off", "bench", "ws://h"]).output();
    fails(&misplaced.expect("it can be run"), &["the server's options do not go with bench"]);
}

#[test]
fn from_several_addresses() {
    let server = Process::start(PROGRAM, &["--max-connections-per-address", "2"]);
    let url = ws(server.address());
    let arguments =
        "--json --users 6 --messages 30 --warmup 0 --source 127.0.0.2-127.0.0.3,127.0.0.5";
    assert_eq!(report(&run(&url, arguments), 0)["run"]["received"], 30);
    let output = run(&url, "--users 3 --source 127.0.0.2");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn over_tls() {
    for adapter in Adapter::ALL {
        let certificate = Certificate::new();
        let files: Vec<_> = certificate.arguments().collect();
        let tls = Some(Tls::load(files[1], files[3]).expect("a pair"));
        let server = Server::start(adapter, Settings { tls, ..Settings::default() });
        let url = format!("wss://localhost:{}", server.address().port());
        let arguments = "--json --users 5 --messages 50 --warmup 0 --mode mixed";
        let ca = format!("{arguments} --ca {}", certificate.path().display());
        for trusting in [&ca, &format!("{arguments} --insecure --size 60000")] {
            assert_eq!(report(&run(&url, trusting), 0)["run"]["sent"], 50);
        }
        let other = Certificate::new();
        let arguments = format!("--users 1 --ca {}", other.path().display());
        fails(&run(&url, &arguments), &["cannot log in to", "certificate"]);
    }
}

#[test]
fn ctrl_c_ends_it_with_a_report() {
    let server = Process::start(PROGRAM, &[]);
    for signal in ["INT", "TERM"] {
        let mut watcher = server.log_in("watcher");
        let arguments = "--json --users 3 --duration 1h --warmup 0 --mode broadcast --rate 50";
        let bench = start(&ws(server.address()), arguments);
        // The sending has begun when somebody else receives it, too.
        watcher.hear();
        send(&bench, signal);
        let report = report(&bench.wait_with_output().expect("its end"), 0);
        assert_eq!(report["interrupted"], true);
        assert_ne!(report["run"]["sent"], 0);
    }

    let bench = start(&ws(server.address()), "--json --users 3 --connect-rate 0.01 --prefix early");
    let mut asker = server.log_in("asker");
    switchboard_tests::eventually(|| asker.answer_to("asker", "early0:x"), Option::is_none);
    send(&bench, "INT");
    let report = report(&bench.wait_with_output().expect("its end"), 0);
    assert_eq!((&report["connect"]["logged_in"], &report["run"]["sent"]), (&1.into(), &0.into()));
}

/// Messages that were due while the tool stood still were late, however fast the server was then.
#[test]
fn at_a_rate_no_message_is_omitted_because_it_could_not_be_sent() {
    const STILL: Duration = Duration::from_millis(600);
    let server = Process::start(PROGRAM, &[]);
    let mut watcher = server.log_in("watcher");
    let arguments = "--json --users 2 --duration 1h --warmup 0 --mode broadcast --rate 100";
    let bench = start(&ws(server.address()), arguments);
    watcher.hear();
    send(&bench, "STOP");
    thread::sleep(STILL);
    send(&bench, "CONT");
    let last = || watcher.hear();
    // Those that were due in the meantime, and some more.
    std::iter::repeat_with(last).take(100).for_each(drop);
    send(&bench, "INT");
    let report = report(&bench.wait_with_output().expect("its end"), 0);
    let microseconds = STILL.as_micros() as f64;
    for times in [&report["bench"]["send_delay_us"], &report["broadcast"]["latency_us"]] {
        let longest = times["max"].as_f64().expect("a number");
        assert!(longest > 0.8 * microseconds, "{times}");
    }
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("after they were due"), "{warnings}");
}

/// The program itself, which signals reach.
fn start(url: &str, arguments: &str) -> Child {
    Command::new(PROGRAM)
        .args(["bench", url])
        .args(arguments.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be run")
}

fn send(to: &Child, signal: &str) {
    let status = Command::new("kill").args(["-s", signal, &to.id().to_string()]).status();
    assert!(status.expect("kill can be run").success());
}

/// Servers that this project did not write: Python's `websockets` and Node's `ws`.
#[test]
fn servers_of_strangers() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let installed = folder.join("../target/strangers");
    for (program, script) in
        [(installed.join("python/bin/python"), "server.py"), ("node".into(), "server.cjs")]
    {
        let mut server = Command::new(&program)
            .arg(folder.join("strangers").join(script))
            .env("NODE_PATH", installed.join("node_modules"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; tests/all installs what is missing", program.display())
            });
        let mut port = String::new();
        let output = server.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut port).expect("a line");
        let url = format!("ws://127.0.0.1:{}/", port.trim());
        for pace in ["--in-flight 5", "--rate 500"] {
            let arguments = format!(
                "--json --users 20 --messages 100 --warmup 0.1 --mode mixed \
                 --broadcast-share 0.2 --size 300 {pace}"
            );
            let report = report(&run(&url, &arguments), 0);
            assert_eq!(report["run"]["sent"], 100, "{script}");
        }
        server.kill().expect("it runs");
        server.wait().expect("a child can be waited for");
    }
}
