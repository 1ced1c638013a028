//! A failing plan, with as few steps as it takes.

use crate::{Plan, run};

/// Plans that are tried at most.
const TRIES: usize = 4000;

/// Leaves out steps, many at a time and then one by one, as long as what is left still fails. It may
/// fail in another way than before.
#[must_use]
pub fn shrink(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let mut tries = TRIES;
    let mut size = plan.steps.len().div_ceil(2).max(1);
    loop {
        let before = plan.steps.len();
        let mut from = 0;
        while from < plan.steps.len() && tries > 0 {
            tries -= 1;
            let mut steps = plan.steps.clone();
            steps.drain(from..(from + size).min(plan.steps.len()));
            let shorter = plan.with_steps(steps);
            if run(&shorter).is_err() {
                plan = shorter;
            } else {
                from += size;
            }
        }
        if tries == 0 || size == 1 && plan.steps.len() == before {
            let fewer = plan.without_idle_actors();
            return if run(&fewer).is_err() { fewer } else { plan };
        }
        size = size.div_ceil(2);
    }
}
