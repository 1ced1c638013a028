//! Replays a recording and prints what everybody was told: the same everywhere, or it fails.
//!
//! With an operating system, WASI's included, the recording is the standard input. On a bare
//! Cortex-M it is in memory, and what the hub takes of flash and RAM is printed, too.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

#[cfg(target_os = "none")]
mod bare;
#[cfg(target_os = "none")]
mod heap;

use alloc::string::{String, ToString};

use switchboard_trace::Trace;

/// Replays it. What is told has been compared with what was when it was recorded, block by block.
fn replay(recording: &[u8]) -> Result<String, String> {
    let trace = Trace::new(recording).map_err(|error| error.to_string())?;
    let (mut replay, blocks) = trace.replay().map_err(|error| error.to_string())?;
    for block in blocks {
        let block = block.map_err(|error| error.to_string())?;
        replay.play(block, &mut ()).map_err(|error| error.to_string())?;
    }
    Ok(replay.to_string())
}

#[cfg(not(target_os = "none"))]
fn main() -> Result<(), String> {
    use std::io::{self, Read, Write};

    let mut recording = Vec::new();
    io::stdin().read_to_end(&mut recording).map_err(|error| error.to_string())?;
    let told = replay(&recording)?;
    io::stdout().write_all(told.as_bytes()).map_err(|error| error.to_string())
}
