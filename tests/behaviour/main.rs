//! The behaviour of the text dialect: one table, run through the core alone in virtual time, and
//! through each adapter over real sockets.

mod core;
mod sockets;
mod table;

use switchboard_tests::{Adapter, Server, WasiServer};
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

fn play_with(adapter: Adapter) {
    play(|row| sockets::SocketWorld::new(Server::start(adapter, row.with.settings())));
}

#[test]
fn smol() {
    play_with(Adapter::Smol);
}

#[test]
fn blocking() {
    play_with(Adapter::Blocking);
}

#[test]
fn mio() {
    play_with(Adapter::Mio);
}

#[test]
#[ignore = "tests/portable builds the component, and runs this"]
fn wasi() {
    play(|row| sockets::SocketWorld::new(WasiServer::start(row.with.wasi_arguments())));
}
