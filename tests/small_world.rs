//! All that can happen among three connections and two uids, up to so many moves: the hub does as its
//! model in each case, is restored from its state before each move, and comes to an end from wherever
//! it is.
//!
//! States that are the same but for ids, numbers and what is past are gone on from once.
//! `SMALL_WORLD_MOVES` in the environment asks for more moves than are made by default.

use std::{
    collections::HashSet,
    env,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use switchboard_core::{Config, DuplicateUid, Name, RingLimit, SlowReader, Stage, Target};
use switchboard_model::{Op, check::World};

/// The tests take about 20 seconds in a debug build on two cores; a move more takes seven times that.
const MOVES: usize = 6;

/// So many less are made from a beginning in which something has happened.
const AHEAD: usize = 3;

const SLOTS: usize = 3;

#[test]
fn replace_and_gap() {
    explore(DuplicateUid::Replace, SlowReader::Gap);
}

#[test]
fn replace_and_close() {
    explore(DuplicateUid::Replace, SlowReader::Close);
}

#[test]
fn share_and_gap() {
    explore(DuplicateUid::Share, SlowReader::Gap);
}

#[test]
fn share_and_close() {
    explore(DuplicateUid::Share, SlowReader::Close);
}

#[test]
fn reject_and_gap() {
    explore(DuplicateUid::Reject, SlowReader::Gap);
}

#[test]
fn reject_and_close() {
    explore(DuplicateUid::Reject, SlowReader::Close);
}

#[derive(Clone, Copy, Debug)]
enum Move {
    /// With a connection of its own, if there is none; as somebody who may be online.
    LogIn {
        slot: usize,
        uid: Name<'static>,
    },
    /// The client closes.
    Close {
        slot: usize,
    },
    /// The socket is gone.
    Disconnect {
        slot: usize,
    },
    Send {
        slot: usize,
        to: Target<'static>,
    },
    /// The client reads no more.
    Stall {
        slot: usize,
    },
    Resume {
        slot: usize,
    },
    /// The client has room for one frame.
    PullOne {
        slot: usize,
    },
    /// The adapter does not get to the hub's outputs.
    Hold,
    Release,
    TakeOne,
    /// The hub's next deadline comes.
    Timeout,
}

/// The world, and what holds its adapter up.
struct Node {
    world: World,
    stalled: [bool; SLOTS],
    held: bool,
    path: Vec<Move>,
}

/// Takes all moves from all states that there are, until there have been so many in a row.
fn explore(duplicate_uid: DuplicateUid, slow_reader: SlowReader) {
    let ring = RingLimit { entries: 2, bytes: 16 };
    let config = Config {
        duplicate_uid,
        slow_reader,
        login_timeout: Duration::from_secs(4),
        close_timeout: Duration::from_secs(1),
        // It would tell connections apart by their ids.
        heartbeat: None,
        stall_timeout: Some(Duration::from_secs(2)),
        max_connections: SLOTS,
        max_replies: 2,
        everyone_ring: ring,
        user_ring: ring,
        ..Config::default()
    };
    let world = World::new(config);
    let empty = Node { world, stalled: [false; SLOTS], held: false, path: Vec::new() };
    let crowd = crowd().into_iter().fold(empty.fork(), |node, step| node.after(step));
    let moves = moves_asked_for();
    for (beginning, start, moves) in
        [("nothing", empty, moves), ("a crowd", crowd, moves.saturating_sub(AHEAD))]
    {
        let (states, transitions) = explore_from(start, moves);
        println!("{moves} moves from {beginning}: {states} states, {transitions} transitions");
        assert!(moves < MOVES || states > 10_000, "there is more to explore");
    }
}

/// The beginning of a story: one has missed a message, and somebody comes to take its place.
fn crowd() -> Vec<Move> {
    let [a, b] = uids();
    vec![
        Move::LogIn { slot: 0, uid: a },
        Move::LogIn { slot: 1, uid: b },
        Move::Stall { slot: 0 },
        Move::Send { slot: 1, to: Target::User(a) },
        Move::Send { slot: 1, to: Target::Everyone },
        Move::Send { slot: 1, to: Target::Everyone },
        Move::Hold,
        Move::Send { slot: 1, to: Target::Everyone },
        Move::LogIn { slot: 2, uid: a },
    ]
}

fn uids() -> [Name<'static>; 2] {
    ["a", "b"].map(|uid| Name::new(uid).expect("a name"))
}

/// The numbers of states and of moves between them.
fn explore_from(start: Node, moves: usize) -> (usize, usize) {
    let mut seen = HashSet::from([start.key()]);
    let mut frontier = vec![start];
    let mut transitions = 0;
    for left in (0..moves).rev() {
        let mut next = Vec::new();
        for node in frontier {
            for step in node.moves() {
                transitions += 1;
                let after = node.after(step);
                if !seen.insert(after.key()) {
                    continue;
                }
                if left > 0 {
                    next.push(after.fork());
                }
                after.finish();
            }
        }
        frontier = next;
    }
    (seen.len(), transitions)
}

fn moves_asked_for() -> usize {
    env::var("SMALL_WORLD_MOVES").map_or(MOVES, |moves| moves.parse().expect("a number of moves"))
}

impl Node {
    /// What tells states apart that have a different future.
    fn key(&self) -> Vec<u8> {
        let state = (self.world.canonical(SLOTS), self.stalled, self.held);
        postcard::to_allocvec(&state).expect("memory takes it")
    }

    /// All that can happen and makes a difference.
    fn moves(&self) -> Vec<Move> {
        let [a, b] = uids();
        let mut moves = Vec::new();
        let vacant = (0..SLOTS).find(|slot| !self.world.is_there(*slot));
        for slot in 0..SLOTS {
            let stage = self.world.hub().stage(self.world.conn(slot));
            let is_there = self.world.is_there(slot);
            if stage == Stage::Login || vacant == Some(slot) {
                moves.push(Move::LogIn { slot, uid: a });
                // As long as nobody is known, the one is like the other.
                if self.world.hub().stats().users > 0 {
                    moves.push(Move::LogIn { slot, uid: b });
                }
            }
            if stage == Stage::Open {
                let targets = [Target::User(a), Target::User(b), Target::Everyone];
                moves.extend(targets.map(|to| Move::Send { slot, to }));
            }
            if stage != Stage::Closing {
                moves.push(Move::Close { slot });
            }
            if is_there {
                moves.push(Move::Disconnect { slot });
            }
            if is_there && self.stalled[slot] {
                moves.extend([Move::Resume { slot }, Move::PullOne { slot }]);
            } else if is_there {
                moves.push(Move::Stall { slot });
            }
        }
        if self.held {
            moves.extend([Move::Release, Move::TakeOne]);
        } else {
            moves.push(Move::Hold);
        }
        if self.world.until_timeout().is_some() {
            moves.push(Move::Timeout);
        }
        moves
    }

    fn fork(&self) -> Self {
        Self { world: self.world.fork(), path: self.path.clone(), ..*self }
    }

    /// The node that this move leads to.
    fn after(&self, step: Move) -> Self {
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut node = self.fork();
            node.path.push(step);
            node.take(step);
            node.world.compare();
            node
        }));
        stepped.unwrap_or_else(|_| panic!("after {:#?} and then {step:?}", self.path))
    }

    fn take(&mut self, step: Move) {
        let op = match step {
            Move::LogIn { slot, uid } => Some(Op::Enter { slot, uid, address: None }),
            Move::Close { slot } => Some(Op::PeerClosed { slot }),
            Move::Disconnect { slot } => Some(Op::Disconnected { slot }),
            Move::Send { slot, to } => Some(Op::Send { slot, to, size: 1 }),
            Move::PullOne { slot } => Some(Op::Pull { slot, frames: 1 }),
            Move::TakeOne => Some(Op::Drain { outputs: 1 }),
            Move::Timeout => self.world.until_timeout().map(|by| Op::Tick { by }),
            Move::Stall { .. } | Move::Resume { .. } | Move::Hold | Move::Release => None,
        };
        match step {
            Move::Stall { slot } => self.stalled[slot] = true,
            Move::Resume { slot } => self.stalled[slot] = false,
            Move::Hold => self.held = true,
            Move::Release => self.held = false,
            _ => {}
        }
        if let Some(op) = op {
            self.world.step(op);
        }
        if !self.held {
            self.world.step(Op::Drain { outputs: usize::MAX });
        }
        for slot in self.world.told() {
            if slot < SLOTS && !self.stalled[slot] {
                self.world.step(Op::Pull { slot, frames: usize::MAX });
            }
        }
        for slot in 0..SLOTS {
            self.stalled[slot] &= self.world.is_there(slot);
        }
    }

    /// From wherever it has come to, it comes to an end.
    fn finish(mut self) {
        let finished = panic::catch_unwind(AssertUnwindSafe(|| self.world.finish()));
        if finished.is_err() {
            panic!("at the end, after {:#?}", self.path);
        }
    }
}
