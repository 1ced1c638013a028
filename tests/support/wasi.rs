//! The server as a WASI component, in a runtime.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{ChildStdin, Command, Stdio},
    thread,
};

use crate::Process;

/// One on a free port, which is stopped when this is dropped. `tests/portable` builds it and installs
/// the runtime.
#[derive(Debug)]
pub struct WasiServer {
    process: Process,
    /// Its end is what tells the server to stop.
    input: Option<ChildStdin>,
}

impl WasiServer {
    /// Starts one with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let built = tests.join("../target/portable");
        let mut command = Command::new(built.join("python/bin/python"));
        command.arg(tests.join("wasi/run.py")).arg(built.join("switchboard-wasi.wasm"));
        command.arg("--stop-at-eof").args(arguments).stdin(Stdio::piped());
        let mut process = Process::start_command(command);
        let input = process.take_input();
        Self { process, input }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Has it begin to stop. Dropping it waits for the end.
    pub fn stop(&mut self) {
        self.input = None;
    }
}

impl Drop for WasiServer {
    fn drop(&mut self) {
        self.stop();
        if !thread::panicking() {
            assert!(self.process.wait().success(), "an orderly end");
        }
    }
}
