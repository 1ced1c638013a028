//! What comes from a client's socket: the PROXY header, HTTP requests, WebSocket frames.
//!
//! ```text
//! cargo +nightly fuzz run peer
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/peer_fuzz.rs"]
mod peer_fuzz;

fuzz_target!(|data: &[u8]| peer_fuzz::peer(data));
