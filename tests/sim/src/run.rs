//! Plays plans, and tells how each ended.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use crate::{Plan, reached::Reached, world};

/// What came of a plan that was played to its end.
#[derive(Clone, Debug)]
pub struct Report {
    /// Inputs that the hub was given.
    pub inputs: u64,
    /// Frames that clients were given.
    pub frames: u64,
    /// Of all frames that clients were given, and when.
    pub digest: u64,
    /// The rare paths that were taken.
    pub reached: Reached,
}

/// What went wrong, and where that was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

thread_local! {
    static WHY: RefCell<Option<String>> = const { RefCell::new(None) };
    static IS_PLAYING: Cell<bool> = const { Cell::new(false) };
}

/// Plays a plan.
///
/// # Errors
/// If the hub does what it should not, or panics.
pub fn run(plan: &Plan) -> Result<Report, Failure> {
    listen();
    IS_PLAYING.set(true);
    let played = panic::catch_unwind(AssertUnwindSafe(|| world::play(plan)));
    IS_PLAYING.set(false);
    match played {
        Ok(played) => {
            let world::Played { inputs, frames, digest, reached } = played;
            Ok(Report { inputs, frames, digest, reached })
        }
        Err(_) => {
            let why = WHY.with(RefCell::take);
            Err(Failure(why.unwrap_or_else(|| "a panic in another place".to_owned())))
        }
    }
}

/// Has panics kept for whoever asks, not printed: to shrink a plan is to see hundreds.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let why = panic.payload_as_str().unwrap_or("a panic").to_owned();
            if IS_PLAYING.get() {
                WHY.set(Some(format!("{why}\n  at {place}")));
            } else {
                before(panic);
            }
        }));
    });
}
