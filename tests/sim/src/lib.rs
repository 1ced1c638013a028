//! A simulator: a whole world in one thread, from one seed.
//!
//! A [`Plan`] is drawn from a seed: the hub's settings, the clients and their tempers, their links, and
//! what happens when. A world plays it in virtual time: the hub, an adapter that keeps to its contract,
//! clients that read, stall, vanish and come back, and a network that delays, fills up and breaks.
//! Beside the hub stands an [oracle] that knows what each client is owed, and in some worlds the
//! [model](switchboard_model), too, which knows everything.
//!
//! A plan is data: one that fails is [shrunk](shrink) until no step can be left out, written to a file,
//! and played again from there.

mod actor;
mod draw;
mod names;
pub mod oracle;
mod plan;
pub mod reached;
mod run;
mod shrink;
mod subject;
mod wire;
mod world;

pub use draw::draw;
pub use plan::{Plan, PlanError};
pub use run::{Failure, Report, run};
pub use shrink::shrink;
