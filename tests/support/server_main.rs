//! The `switchboard` server, built where the tests find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchboard::cli::run()
}
