//! A hub's state that was damaged, or made up, is refused or makes a hub that holds to its invariants.

use std::cell::Cell;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::TestRunner,
};
use serde_json::Value;
use switchboard_core::{Hub, HubState, Instant};
use switchboard_model::{CONFIG_BYTES, Op, alone::Alone, config};
use switchboard_tests::cases;

const CASES: u32 = 3_000;

/// The longest list of operations, before the damage and after it.
const OPS: usize = 80;

type Ops = Vec<[u8; Op::BYTES]>;

fn ops() -> impl Strategy<Value = Ops> {
    vec(any::<[u8; Op::BYTES]>(), 1..=OPS)
}

type Limits = [u8; CONFIG_BYTES];

/// Each change is to a number, a word or a list in the state, so that most of what comes of them is
/// well formed.
#[test]
fn what_was_changed_is_refused_or_sound() {
    let change = (any::<Index>(), any::<Index>(), select(&CHANGES[..]));
    let changes = vec(change, 1..=3);
    judge(changes, |state, changes| {
        let mut state = serde_json::to_value(state).expect("memory takes it");
        for (place, other, change) in changes {
            change.make(&mut state, place, other);
        }
        serde_json::from_value(state).ok()
    });
}

#[test]
fn what_is_torn_or_flipped_is_refused_or_sound() {
    let flips = vec((any::<Index>(), 1..=255_u8), 0..=3);
    let torn = proptest::option::weighted(0.2, any::<Index>());
    judge((flips, torn), |state, (flips, torn)| {
        let mut bytes = postcard::to_allocvec(&state).expect("memory takes it");
        for (place, flip) in flips {
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
        }
        bytes.truncate(torn.map_or(bytes.len(), |torn| torn.index(bytes.len())));
        postcard::from_bytes(&bytes).ok()
    });
}

/// Damages states of many hubs, and has those that are hubs all the same go on.
fn judge<D: Strategy>(
    damages: D,
    damage: impl Fn(HubState<String>, D::Value) -> Option<HubState<String>>,
) {
    let [unreadable, refused, sound] = [const { Cell::new(0) }; 3];
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let strategy = (any::<Limits>(), ops(), damages, ops());
    let outcome = TestRunner::new(cases(CASES)).run(&strategy, |(limits, before, with, after)| {
        let Some(state) = damage(saved(limits, before), with) else {
            count(&unreadable);
            return Ok(());
        };
        let (conns, now) = (state.connections().collect::<Vec<_>>(), state.now());
        match Hub::restore(state, 2) {
            Err(_) => count(&refused),
            Ok(hub) => {
                count(&sound);
                hub.assert_consistent();
                Alone::new(hub, conns, now).run(after.into_iter().map(Op::decode));
            }
        }
        Ok(())
    });
    let [unreadable, refused, sound] = [unreadable, refused, sound].map(Cell::into_inner);
    println!("{unreadable} cannot be read, {refused} are refused, {sound} are sound");
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    // Damage that leads to one thing alone would test little.
    assert!(unreadable > 0 && refused > 0 && sound > 0);
}

fn saved(limits: Limits, ops: Ops) -> HubState<String> {
    let hub = Hub::new(config(limits), 1, Instant::ZERO);
    let mut alone = Alone::new(hub, [], Instant::ZERO);
    alone.run(ops.into_iter().map(Op::decode));
    alone.hub().save()
}

/// A way to damage a value.
#[derive(Clone, Copy, Debug)]
enum Change {
    More,
    Less,
    Zero,
    Largest,
    /// A value from elsewhere.
    Copy,
    /// The last element less.
    Shorten,
    /// The first element once more.
    Repeat,
    /// The elements in another order.
    Reverse,
    Null,
}

const CHANGES: [Change; 9] = [
    Change::More,
    Change::Less,
    Change::Zero,
    Change::Largest,
    Change::Copy,
    Change::Shorten,
    Change::Repeat,
    Change::Reverse,
    Change::Null,
];

impl Change {
    fn make(self, state: &mut Value, place: Index, other: Index) {
        let mut paths = Vec::new();
        find_values(state, String::new(), &mut paths);
        let place = &paths[place.index(paths.len())];
        let other = state.pointer(&paths[other.index(paths.len())]).cloned();
        let value = state.pointer_mut(place).expect("a value that was found");
        let number = value.as_u64().unwrap_or(0);
        match (self, &mut *value) {
            (Self::Copy, _) => *value = other.unwrap_or_default(),
            (Self::Null, _) => *value = Value::Null,
            (Self::Shorten, Value::Array(list)) => drop(list.pop()),
            (Self::Repeat, Value::Array(list)) => list.extend(list.first().cloned()),
            (_, Value::Array(list)) => list.reverse(),
            (_, Value::Bool(bool)) => *bool = !*bool,
            (Self::Less, _) => *value = number.wrapping_sub(1).into(),
            (Self::Largest, _) => *value = u64::MAX.into(),
            (Self::Zero, _) => *value = 0.into(),
            _ => *value = number.wrapping_add(1).into(),
        }
    }
}

/// The paths of all numbers, truths and lists in a value.
fn find_values(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                find_values(value, format!("{path}/{index}"), paths);
            }
            paths.push(path);
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                find_values(value, format!("{path}/{name}"), paths);
            }
        }
        Value::Number(_) | Value::Bool(_) => paths.push(path),
        Value::Null | Value::String(_) => {}
    }
}
