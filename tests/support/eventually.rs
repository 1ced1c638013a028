//! Waiting for what no event tells.

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

/// Asks again and again until the answer is right, and fails if it takes a minute. For what can
/// only be asked for: another process's file descriptors, or when it has noticed a lost connection.
pub fn eventually<T: Debug>(mut ask: impl FnMut() -> T, is_right: impl Fn(&T) -> bool) -> T {
    let start = Instant::now();
    loop {
        let answer = ask();
        if is_right(&answer) {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it remains {answer:?}");
        thread::sleep(Duration::from_millis(10));
    }
}
