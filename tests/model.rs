//! The hub does as its [model](switchboard_model::Model) does, in lists of operations that chance
//! makes up. A failing list is shrunk, and printed in words.

use proptest::{collection::vec, prelude::*};
use switchboard_model::{CONFIG_BYTES, Op, check, config};
use switchboard_tests::cases;

const CASES: u32 = 4_000;

/// The longest list.
const OPS: usize = 300;

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn the_hub_does_as_its_model(
        limits in any::<[u8; CONFIG_BYTES]>(),
        ops in vec(any::<[u8; Op::BYTES]>(), 0..=OPS),
    ) {
        let ops: Vec<_> = ops.into_iter().map(Op::decode).collect();
        check::try_run(config(limits), &ops).map_err(TestCaseError::fail)?;
    }
}
