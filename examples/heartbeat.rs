//! A heartbeat of 55 seconds, tested without waiting for it.
//!
//! There is no server here, either: `switchboard-testing` has a hub with a clock that moves when it
//! is told to, and clients. The same lines make a test of one's own; each `expect` panics if it is
//! not met, and says when in virtual time that was.

use std::time::Duration;

use switchboard_testing::{CloseReason, Config, Heartbeat, World};

const MICROSECOND: Duration = Duration::from_micros(1);

fn main() {
    // Whoever is silent for 55 s at most is pinged, and closed if nothing comes for 55 s more.
    let limit = Duration::from_secs(55);
    let heartbeat = Some(Heartbeat { interval: limit, timeout: limit });
    let mut world = World::new(Config { heartbeat, ..Config::default() }).with_model();
    let [alice, bob] = world.log_in(["alice", "bob"]);

    // The clients of a world answer pings by themselves, as browsers do. Now bob's cable is pulled.
    world.fall_silent(bob);

    // Each connection has its own time within the interval, so that not all are pinged at once.
    let pinged_after = world.hub().config().ping_after(bob).expect("there is a heartbeat");
    assert!(pinged_after >= limit / 2 && pinged_after <= limit);
    world.pass(pinged_after - MICROSECOND);
    world.expect_nothing(bob);
    world.pass(MICROSECOND);
    world.expect_ping(bob);
    println!("{:>12?}  bob is pinged", world.elapsed());

    world.pass(limit - MICROSECOND);
    world.expect_nothing(bob);
    assert_eq!(world.hub().stats().logged_in, 2);
    world.pass(MICROSECOND);
    world.expect_close(bob, CloseReason::Silent);
    println!("{:>12?}  bob is closed: {}", world.elapsed(), CloseReason::Silent);

    // To others bob is gone at once, and who answers stays, for a day if need be.
    world.send(alice, "bob", "are you there?");
    world.expect_problem(alice, "bob is not online");
    world.pass(Duration::from_secs(24 * 60 * 60));
    world.expect_nothing(alice);
    let stats = world.hub().stats();
    assert_eq!(stats.logged_in, 1);
    println!("{:>12?}  alice is online, after {} pings", world.elapsed(), stats.pings);
}
