//! The same recording of a server, replayed where no server could be: it tells the same.
//! `tests/portable` builds the program that replays, and runs this.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use switchboard_tests::{Client, Process};

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// How many are online. The flash and the RAM that are printed are for so many.
const USERS: usize = 32;

/// Where QEMU puts the recording, as the program expects it: the size, and the rest behind it.
const RECORDING: u32 = 0x2100_0000;

fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/portable").join(name)
}

/// The recording that all of them replay.
static DAY: LazyLock<(PathBuf, String)> = LazyLock::new(day);

/// A day of 32 users in which all happens that text can bring about, and what its replay prints.
fn day() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere.trace");
    for old in [path.clone(), path.with_extension("trace.1")] {
        drop(fs::remove_file(old));
    }
    let file = path.display().to_string();
    let mut server = Process::start(SERVER, &["--record", &file]);
    let name = |number: usize| format!("user{:02}", number % USERS);
    let mut users: Vec<Client> = (0..USERS).map(|number| server.log_in(&name(number))).collect();
    for number in 0..USERS {
        users[number].say(&format!("{}:hello from {number}", name(number + 1)));
        users[(number + 1) % USERS].hears(&format!("hello from {number}"));
        users[number].say("nobody:hello");
        users[number].hears("error: nobody is not online");
    }
    for number in 0..4 {
        users[number].say(&format!("all:to everybody, {number}"));
        for user in &mut users {
            user.hears(&format!("to everybody, {number}"));
        }
    }
    let newer = server.log_in(&name(7));
    users[7].hears_close(4001);
    users[7] = newer;
    users[8].say_binary(b"not text");
    users[8].hears_close(1003);
    users[9].say("user07:the last");
    users[7].hears("the last");
    server.signal("TERM");
    users.remove(8);
    for user in &mut users {
        user.hears_close(1001);
    }
    drop(users);
    assert_eq!(server.wait().code(), Some(0));

    let replay = Command::new(SERVER).args(["replay", &file]).output().expect("it can be run");
    assert!(replay.status.success(), "{replay:?}");
    let told = String::from_utf8(replay.stdout).expect("text");
    let sent = 2 * USERS + 4 + 1;
    let delivered = USERS + 4 * USERS + 1;
    let messages = format!("messages   {} taken, {delivered} delivered", sent - USERS);
    assert!(told.contains(&messages), "{told}");
    (path, told)
}

/// What a program prints, which must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {printed}{errors}");
    printed
}

fn webassembly(recording: &Path) -> String {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("wasi/run.mjs");
    let recording = File::open(recording).expect("a file");
    run(Command::new("node")
        .arg("--no-warnings")
        .arg(runner)
        .arg(built("elsewhere.wasm"))
        .stdin(recording))
}

/// The machine is an MPS2 with a Cortex-M4, of whose memory the program uses what a small chip has.
fn cortex_m(recording: &Path) -> String {
    let bytes = fs::read(recording).expect("it was written");
    let image = recording.with_extension("image");
    let size = u32::try_from(bytes.len()).expect("a short day");
    fs::write(&image, [&size.to_le_bytes()[..], &bytes].concat()).expect("a file");
    run(Command::new("timeout")
        .args(["60", "qemu-system-arm", "-machine", "mps2-an386", "-nographic", "-monitor", "none"])
        .args(["-serial", "none", "-semihosting-config", "enable=on,target=native", "-device"])
        .arg(format!("loader,file={},addr={RECORDING:#x},force-raw=on", image.display()))
        .arg("-kernel")
        .arg(built("elsewhere.elf")))
}

fn line<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).trim()
}

#[track_caller]
fn assert_same(recorded: &str, replayed: &str) {
    for name in ["inputs", "messages", "digest"] {
        assert_eq!(line(recorded, name), line(replayed, name), "{name}");
    }
}

#[test]
#[ignore = "tests/portable builds the program, and runs this"]
fn webassembly_tells_the_same() {
    let (recording, recorded) = &*DAY;
    let replayed = webassembly(recording);
    assert_same(recorded, &replayed);
    println!("natively\n{recorded}\nWebAssembly\n{replayed}");
}

#[test]
#[ignore = "tests/portable builds the program, and runs this"]
fn a_cortex_m_tells_the_same() {
    let (recording, recorded) = &*DAY;
    let replayed = cortex_m(recording);
    assert_same(recorded, &replayed);
    println!("Cortex-M4, {USERS} users\n{replayed}");
}
