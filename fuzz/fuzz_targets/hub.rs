//! The hub beside its model, with operations made of any bytes.
//!
//! ```text
//! cargo +nightly fuzz run hub
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| switchboard_model::fuzz::hub(data));
