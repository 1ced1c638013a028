//! The hub, a second time: slow, plain, and in other terms.
//!
//! The [`Model`] says what the hub should do, from its documentation, with none of its means: where
//! the hub has cursors and counts, the model has a list for each connection of all that it has yet
//! to read, and for each message the set of those who have yet to read it. [`check::run`] steps both
//! through a list of [`Op`]s and compares all that can be seen of them. The property test and the
//! [fuzz targets](fuzz) differ only in where the operations come from.

pub mod alone;
pub mod check;
pub mod fuzz;
mod model;
mod op;
mod pair;
mod wakeups;

pub use model::{Message, Model};
pub use op::{CONFIG_BYTES, Op, config};
pub use pair::Pair;
