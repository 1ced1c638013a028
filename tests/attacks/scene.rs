//! A server under attack.

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};
use switchboard_tests::{Client, Process, eventually};

use crate::lively::{Connect, Lively};

pub(crate) const RUNTIMES: [&str; 2] = ["smol", "blocking"];

/// A client that has to wait this long for anything counts as one that is not served.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Attacks come one after the other: what is measured in one must not be another's doing.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What starts a server.
pub(crate) fn server(runtime: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.args(["--runtime", runtime, "--log", "warn"]);
    command
}

/// What is attacked, and how much of it may remain.
pub(crate) struct Scene<'a> {
    pub(crate) name: &'a str,
    /// The server's, apart from its runtime.
    pub(crate) arguments: &'a [&'a str],
    /// How much memory the attack may take while it lasts, for each of the [`RUNTIMES`].
    pub(crate) during_mib: [u64; 2],
    /// How much of that may remain: what the allocator keeps.
    pub(crate) after_mib: [u64; 2],
    /// How long the lively clients pause between two round trips, where they are not allowed to send
    /// as many messages as they can.
    pub(crate) pause: Duration,
    /// How the lively clients connect.
    pub(crate) connect: Connect,
}

impl Default for Scene<'_> {
    fn default() -> Self {
        Self {
            name: "",
            arguments: &[],
            during_mib: [0; 2],
            after_mib: [0; 2],
            pause: Duration::ZERO,
            connect: |server| Box::new(socket(server)),
        }
    }
}

impl Scene<'_> {
    /// Plays on a server of each kind.
    pub(crate) fn play(&self, attack: impl Fn(&Process, &Lively)) {
        for runtime in RUNTIMES {
            let mut command = server(runtime);
            command.args(self.arguments);
            self.play_on(runtime, command, &attack);
        }
    }

    /// Plays on the server that this starts.
    pub(crate) fn play_on(
        &self,
        runtime: &str,
        command: Command,
        attack: impl Fn(&Process, &Lively),
    ) {
        let _alone = alone();
        let begun = Instant::now();
        let server = &Process::start_command(command);
        println!("{}, {runtime}", self.name);
        let lively = Lively::new(self.pause);
        let (files, threads, before) = thread::scope(|scope| {
            let until_dropped = lively.until_dropped();
            scope.spawn(|| lively.live([(); 2].map(|()| (self.connect)(server))));
            lively.has_been_quiet();
            let start = (server.open_files(), server.threads(), server.resident_kib());
            lively.is_under_attack();
            attack(server, &lively);
            // And some after it.
            lively.goes_on();
            eventually(|| server.open_files(), |&now| now == start.0);
            eventually(|| server.threads(), |&now| now == start.1);
            drop(until_dropped);
            start
        });
        lively.report();
        let (peak, after) = (server.peak_kib(), server.resident_kib());
        println!(
            "    memory: {before} KiB before, at most {peak} KiB, {after} KiB after; {files} files, \
             {threads} threads; {:.1?} in all",
            begun.elapsed()
        );
        let which = RUNTIMES.iter().position(|&name| name == runtime).expect("one of them");
        let (during, remain) = (self.during_mib[which] << 10, self.after_mib[which] << 10);
        assert!(peak < before + during, "{before} KiB became {peak} KiB");
        assert!(after < before + remain, "{before} KiB became {after} KiB, and remain so");
    }
}

/// A socket on which nothing has been said.
pub(crate) fn socket(server: &Process) -> TcpStream {
    let socket = TcpStream::connect(server.address()).expect("the server accepts");
    be_patient(&socket);
    socket
}

fn be_patient(socket: &TcpStream) {
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
    socket.set_write_timeout(Some(PATIENCE)).expect("a timeout above zero");
    socket.set_nodelay(true).expect("a TCP socket");
}

/// One that has logged in, and whose system keeps little of what it does not read.
pub(crate) fn log_in_with_small_buffer(server: SocketAddr, uid: &str) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4 << 10).expect("a TCP socket");
    socket.connect(&server.into()).expect("the server accepts");
    let mut client = Client::over(socket.into());
    client.say(uid);
    client.hears(&format!("login success, your uid is {uid}"));
    client
}

/// A text frame from a client, masked with zeros.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let size = u16::try_from(text.len()).expect("a short text");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(size.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// How many messages the server says it has left out, if this says so.
pub(crate) fn missed(text: &str) -> Option<usize> {
    text.strip_prefix("error: you missed ")?.split(' ').next()?.parse().ok()
}
