//! A server under measurement.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

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

    /// The processor time that its threads have taken, in user mode and in the kernel.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let nanoseconds = tasks.map(|task| {
            let file = task.expect("a folder").path().join("schedstat");
            // A thread may just have ended.
            let times = fs::read_to_string(file).unwrap_or_default();
            times.split_whitespace().next().map_or(0, |time| time.parse::<u64>().expect("a number"))
        });
        Duration::from_nanos(nanoseconds.sum())
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
