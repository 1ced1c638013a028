//! A server under measurement.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// The length of a tick of `/proc/PID/stat`, which Linux has fixed for programs.
const TICK: Duration = Duration::from_millis(10);

/// A process on a core of its own, which is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a command, in which ADDRESS stands for a free one, and waits until it listens.
    pub(crate) fn start(command: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let command = command.replace("ADDRESS", &address.to_string());
        let child = Command::new("taskset")
            .args(["-c", "0"])
            .args(command.split_whitespace())
            .stdout(Stdio::null())
            .spawn()
            .expect("taskset, of util-linux");
        let server = Self { child, address };
        while TcpStream::connect(address).is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor time that it has taken.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.read("stat");
        // The name before may have spaces; user and system time are the 12th and 13th after it.
        let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
        let fields = fields.split_whitespace().skip(11).take(2);
        let ticks: u32 = fields.map(|ticks| ticks.parse::<u32>().expect("a number")).sum();
        TICK * ticks
    }

    /// The memory that it has in use, in KiB.
    pub(crate) fn resident_kib(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("it runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
