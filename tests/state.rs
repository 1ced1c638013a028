//! A hub that was written out and read back does as if nothing had happened.

use std::env;

use proptest::{collection::vec, prelude::*, sample::Index};
use switchboard_core::{Hub, HubState};
use switchboard_model::{CONFIG_BYTES, Message, Op, check, config};

const CASES: u32 = 3_000;

/// The longest list of operations.
const OPS: usize = 300;

proptest! {
    #![proptest_config(settings(CASES))]

    #[test]
    fn it_goes_on_as_before(
        limits in any::<[u8; CONFIG_BYTES]>(),
        ops in vec(any::<[u8; Op::BYTES]>(), 1..=OPS),
        moments in vec(any::<Index>(), 1..=4),
    ) {
        go_on(limits, &ops, &moments, through_postcard)?;
    }
}

proptest! {
    #![proptest_config(settings(CASES / 10))]

    #[test]
    fn it_goes_on_as_before_in_another_format(
        limits in any::<[u8; CONFIG_BYTES]>(),
        ops in vec(any::<[u8; Op::BYTES]>(), 1..=OPS),
        moments in vec(any::<Index>(), 1..=4),
    ) {
        go_on(limits, &ops, &moments, through_json)?;
    }
}

/// The hub goes through bytes at these moments, its twin does not; and both do as their model.
fn go_on(
    limits: [u8; CONFIG_BYTES],
    ops: &[[u8; Op::BYTES]],
    moments: &[Index],
    through: fn(&Hub<Message>) -> Hub<Message>,
) -> Result<(), TestCaseError> {
    let ops: Vec<_> = ops.iter().copied().map(Op::decode).collect();
    let moments: Vec<_> = moments.iter().map(|moment| moment.index(ops.len())).collect();
    let replace = |step, hub: &_| moments.contains(&step).then(|| through(hub));
    check::try_run_replaced(config(limits), &ops, replace).map_err(TestCaseError::fail)
}

fn through_postcard(hub: &Hub<Message>) -> Hub<Message> {
    let bytes = postcard::to_allocvec(&hub.save()).expect("memory takes it");
    let state: HubState<Message> = postcard::from_bytes(&bytes).expect("what was written is read");
    let restored = Hub::restore(state, 3).expect("what was a hub is one");
    let again = postcard::to_allocvec(&restored.save()).expect("memory takes it");
    assert!(again == bytes, "what is written next is not the same");
    restored
}

fn through_json(hub: &Hub<Message>) -> Hub<Message> {
    let json = serde_json::to_string(&hub.save()).expect("memory takes it");
    let state: HubState<Message> = serde_json::from_str(&json).expect("what was written is read");
    Hub::restore(state, 4).expect("what was a hub is one")
}

/// `PROPTEST_CASES` in the environment asks for more cases, or fewer.
fn settings(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let asked_for = env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if asked_for { default.cases } else { cases },
        failure_persistence: None,
        ..default
    }
}
