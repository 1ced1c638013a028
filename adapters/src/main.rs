//! The `switchboard` server.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchboard::cli::run()
}
