//! Recordings of any bytes, replayed and explained.
//!
//! ```text
//! cargo +nightly fuzz run trace
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/trace_fuzz.rs"]
mod trace_fuzz;

fuzz_target!(|data: &[u8]| trace_fuzz::trace(data));
