//! The text dialect, with any bytes for a message.
//!
//! ```text
//! cargo +nightly fuzz run text
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| switchboard_model::fuzz::text(data));
