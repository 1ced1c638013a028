//! Hubs restored from any bytes, with operations made of any others.
//!
//! ```text
//! cargo +nightly fuzz run state
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| switchboard_model::fuzz::state(data));
