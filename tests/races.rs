//! Login, takeover and close in every order: through the core exhaustively, and through the
//! adapters with clients that do it all at once.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use switchboard::Settings;
use switchboard_core::{Config, ConnId, DuplicateUid, Fault};
use switchboard_testing::{Received, World, message};
use switchboard_tests::{Adapter, Client, Heard, Server, eventually};

/// What three connections do, each twice, in some order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    LogIn(usize),
    End(usize),
}

/// How a connection may end.
const ENDS: [fn(&mut World, ConnId); 3] = [World::disconnect, World::peer_closed, |world, who| {
    world.fault(who, Fault::Binary);
    world.disconnect(who);
}];

/// Every order of `acts`, which are distinct.
fn orders(acts: &[Act]) -> Vec<Vec<Act>> {
    if acts.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for (index, &first) in acts.iter().enumerate() {
        let rest = [&acts[..index], &acts[index + 1..]].concat();
        for mut order in orders(&rest) {
            order.insert(0, first);
            all.push(order);
        }
    }
    all
}

#[test]
fn in_every_order_a_message_reaches_exactly_who_is_online() {
    let acts: Vec<Act> = (0..3).flat_map(|who| [Act::LogIn(who), Act::End(who)]).collect();
    let orders = orders(&acts);
    assert_eq!(orders.len(), 720);
    for duplicate_uid in [DuplicateUid::Replace, DuplicateUid::Share, DuplicateUid::Reject] {
        for ways in 0..27_usize {
            let ends = [ways % 3, ways / 3 % 3, ways / 9];
            for order in &orders {
                play(duplicate_uid, ends, order);
            }
        }
    }
}

/// After each act, the hub and a list of who should be online agree.
fn play(duplicate_uid: DuplicateUid, ends: [usize; 3], order: &[Act]) {
    let mut world = World::by_hand(Config { duplicate_uid, ..Config::default() });
    let [sender] = world.log_in(["alice"]);
    let conns = [(); 3].map(|()| world.connect());
    let mut ended = [false; 3];
    let mut online: Vec<usize> = Vec::new();
    for (step, &act) in order.iter().enumerate() {
        match act {
            Act::End(who) => {
                ENDS[ends[who]](&mut world, conns[who]);
                ended[who] = true;
                online.retain(|&other| other != who);
            }
            Act::LogIn(who) => {
                world.try_log_in(conns[who], "bob");
                if ended[who] {
                    // Too late.
                } else if online.is_empty() || duplicate_uid == DuplicateUid::Share {
                    online.push(who);
                } else if duplicate_uid == DuplicateUid::Replace {
                    online = vec![who];
                }
            }
        }
        let text = format!("{step}");
        world.send(sender, "bob", &text);
        for (who, conn) in conns.into_iter().enumerate() {
            let heard = world.pull(conn).contains(&message(&text));
            let context = format!("{duplicate_uid:?} {ends:?} {order:?} step {step}");
            assert_eq!(heard, online.contains(&who), "{context}, connection {who}");
        }
        let refused =
            world.pull(sender).iter().any(|pulled| matches!(pulled, Received::Problem(_)));
        assert_eq!(refused, online.is_empty());
    }
}

/// Many connections fight for one uid, and leave in all ways. Every message is taken for at most
/// one of them, and in the end the uid is free.
#[test]
fn a_fight_for_one_uid() {
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        let server = Server::start(adapter, Settings::default());
        let heard = Mutex::new(Vec::new());
        let at_work = AtomicUsize::new(8);
        thread::scope(|threads| {
            for fighter in 0..8 {
                let (server, heard, at_work) = (&server, &heard, &at_work);
                threads.spawn(move || {
                    for round in 0..40 {
                        let heard_now = fight(server.connect(), fighter + round);
                        heard.lock().unwrap().extend(heard_now);
                    }
                    at_work.fetch_sub(1, Ordering::SeqCst);
                });
            }
            let mut sender = server.log_in("alice");
            let mut number = 0;
            while at_work.load(Ordering::SeqCst) > 0 {
                number += 1;
                // That it waits keeps the sender from running ahead.
                sender.answer_to("alice", &format!("bob:{number}"));
            }
        });
        let mut heard = heard.into_inner().unwrap();
        let total = heard.len();
        heard.sort_unstable();
        heard.dedup();
        assert_eq!(heard.len(), total, "a message was read twice");

        let mut alice = server.log_in("eve");
        eventually(
            || alice.answer_to("eve", "bob:anybody?"),
            |answer| answer.as_deref() == Some("error: bob is not online"),
        );
        let mut bob = server.log_in("bob");
        alice.say("bob:at last");
        bob.hears("at last");
    }
}

/// Logs in, reads some, and leaves one way or another, or is replaced. Returns what it has read.
fn fight(mut client: Client, variant: usize) -> Vec<String> {
    let mut heard = Vec::new();
    client.say("bob");
    client.hears("login success, your uid is bob");
    for _ in 0..variant % 4 {
        match client.hear() {
            Heard::Text(text) => heard.push(text),
            Heard::Closed(code) => {
                assert_eq!(code, 4001);
                return heard;
            }
        }
    }
    match variant % 3 {
        0 => client.leave(),
        1 => drop(client),
        _ => {
            // Says what nobody may say, while it may be being replaced.
            client.try_say_binary(b"");
            loop {
                match client.hear() {
                    Heard::Text(text) => heard.push(text),
                    Heard::Closed(code) => {
                        assert!([1003, 4001].contains(&code), "{code}");
                        break;
                    }
                }
            }
        }
    }
    heard
}

/// Whoever sends requests and does not read the replies is not read further, and when they read
/// again, they get every reply: reading and writing never wait for each other for good.
#[test]
fn replies_that_are_not_read_stop_the_reading_and_nothing_is_lost() {
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        let server = Server::start_with_send_buffer(16 << 10, adapter, Settings::default());
        let mut client = server.log_in("alice");
        let mut bob = server.log_in("bob");
        let long = "x".repeat(1000);

        let sent = client.say_until_full(&long);
        bob.say("all:are you there?");
        bob.hears("are you there?");

        let mut heard = client.flush_reading();
        while heard.len() < sent + 1 {
            match client.hear() {
                Heard::Text(text) => heard.push(text),
                closed => panic!("{closed:?} after {} of {sent} replies", heard.len()),
            }
        }
        let count = |what| heard.iter().filter(|text| *text == what).count();
        assert_eq!(count("error: expected uid:message"), sent);
        assert_eq!(count("are you there?"), 1);
        client.say("alice:and again");
        client.hears("and again");
    }
}
