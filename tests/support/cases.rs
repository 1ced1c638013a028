//! How many cases a property is tested with.

use std::env;

use proptest::test_runner::Config;

/// Settings for a property test. `PROPTEST_CASES` in the environment asks for more cases, or fewer.
pub fn cases(cases: u32) -> Config {
    let default = Config::default();
    let asked_for = env::var_os("PROPTEST_CASES").is_some();
    Config {
        cases: if asked_for { default.cases } else { cases },
        // What is worth trying again belongs into the fuzz corpus.
        failure_persistence: None,
        ..default
    }
}
