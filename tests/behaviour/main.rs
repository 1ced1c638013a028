//! The behaviour of the text dialect: one table, run through the core alone in virtual time, and
//! through each adapter over real sockets.

mod core;
mod sockets;
mod table;

use switchboard_tests::Adapter;
use table::{Row, Step, TABLE};

/// What a row is played in.
trait World {
    fn step(&mut self, step: &Step);
}

fn play<W: World>(in_world: impl Fn(&Row) -> W) {
    for row in TABLE {
        // Shown if the row fails.
        println!("{}", row.name);
        let mut world = in_world(row);
        for step in row.script {
            println!("    {step:?}");
            world.step(step);
        }
    }
}

#[test]
fn core_alone() {
    play(core::CoreWorld::new);
}

#[test]
fn smol() {
    play(|row| sockets::SocketWorld::new(Adapter::Smol, row));
}

#[test]
fn blocking() {
    play(|row| sockets::SocketWorld::new(Adapter::Blocking, row));
}

#[test]
fn mio() {
    play(|row| sockets::SocketWorld::new(Adapter::Mio, row));
}
