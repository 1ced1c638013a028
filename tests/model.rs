//! The hub does as its [model](switchboard_model::Model) does, in lists of operations that chance
//! makes up. A failing list is shrunk, and printed in words.

use std::env;

use proptest::{collection::vec, prelude::*};
use switchboard_model::{CONFIG_BYTES, Op, check, config};

const CASES: u32 = 4_000;

/// The longest list.
const OPS: usize = 300;

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn the_hub_does_as_its_model(
        limits in any::<[u8; CONFIG_BYTES]>(),
        ops in vec(any::<[u8; Op::BYTES]>(), 0..=OPS),
    ) {
        let ops: Vec<_> = ops.into_iter().map(Op::decode).collect();
        check::try_run(config(limits), &ops).map_err(TestCaseError::fail)?;
    }
}

/// `PROPTEST_CASES` in the environment asks for more cases, or fewer.
fn settings() -> ProptestConfig {
    let default = ProptestConfig::default();
    let asked_for = env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if asked_for { default.cases } else { CASES },
        // What is worth trying again belongs into the fuzz corpus.
        failure_persistence: None,
        ..default
    }
}
