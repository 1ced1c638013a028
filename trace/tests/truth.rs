//! What is explained is what happened, as somebody sees it who looks at everything.

mod day;

use std::collections::{BTreeMap, BTreeSet};

use day::{day, record_in_files};
use proptest::{prelude::*, sample::Index};
use switchboard_core::{ConnId, Frame, Hub, Input, Instant, Name, Output, Request, Target};
use switchboard_trace::{
    Account, Bodies, Explain, Fate, Filter, Message, Observer, Replay, Sender, Trace,
};

const UIDS: [&str; 4] = ["alice", "bob", "eve", "mallory"];

struct Truth {
    explain: Explain,
    /// Those that have ever been bob's.
    conns: BTreeSet<ConnId>,
    /// Messages that these were given.
    told: BTreeMap<u64, usize>,
    /// Messages that they were told they had missed.
    missed: u64,
    inputs: u64,
    /// For each message to bob, to everybody or to a group: who sent it, whether he was online, and
    /// how many messages had been taken.
    sent: BTreeMap<u64, (Sender, bool, u64)>,
    /// Those of them that the hub has taken.
    taken: BTreeSet<u64>,
}

fn is_logged_in(hub: &Hub<Message>, uid: &str, conn: ConnId) -> bool {
    let name = Name::new(uid).expect("a name");
    hub.sessions(name).any(|session| session.conn == conn)
}

impl Observer for Truth {
    fn input(&mut self, hub: &Hub<Message>, now: Instant, input: &Input<'_, Message>) {
        self.inputs += 1;
        let bob = Name::new("bob").expect("a name");
        self.conns.extend(hub.sessions(bob).map(|session| session.conn));
        let sent = match input {
            Input::Push { to, .. } => Some((Sender::Outside, to)),
            Input::Request { conn, request: Request::Send { to, .. }, .. } => {
                let uid = UIDS.into_iter().find(|uid| is_logged_in(hub, uid, *conn));
                Some((uid.map_or(Sender::Nobody, |uid| Sender::User(uid.into())), to))
            }
            _ => None,
        };
        if let Some((from, to)) = sent
            && !matches!(to, Target::User(name) if *name != bob)
        {
            let is_online = hub.sessions(bob).count() > 0;
            self.sent.insert(self.inputs, (from, is_online, hub.stats().accepted));
        }
        self.explain.input(hub, now, input);
    }

    fn fed(&mut self, hub: &Hub<Message>, now: Instant) {
        let bob = Name::new("bob").expect("a name");
        self.conns.extend(hub.sessions(bob).map(|session| session.conn));
        if let Some((_, _, accepted)) = self.sent.get(&self.inputs)
            && hub.stats().accepted > *accepted
        {
            self.taken.insert(self.inputs);
        }
        self.explain.fed(hub, now);
    }

    fn output(&mut self, now: Instant, output: &Output<Message>) {
        self.explain.output(now, output);
    }

    fn frame(&mut self, now: Instant, conn: ConnId, frame: &Frame<Message>) {
        if self.conns.contains(&conn) {
            match frame {
                Frame::Gap { missed } => self.missed += missed,
                Frame::Message { payload, .. } if payload.number > 0 => {
                    *self.told.entry(payload.number).or_default() += 1;
                }
                _ => {}
            }
        }
        self.explain.frame(now, conn, frame);
    }
}

/// What happened, and what is said of it.
fn look(file: &[u8]) -> (Replay, Truth, Vec<Account>) {
    let mut truth = Truth {
        explain: Explain::new("bob", Filter::Any),
        conns: BTreeSet::new(),
        told: BTreeMap::new(),
        missed: 0,
        inputs: 0,
        sent: BTreeMap::new(),
        taken: BTreeSet::new(),
    };
    let (mut replay, blocks) = Trace::new(file).and_then(Trace::replay).expect("a file");
    for block in blocks {
        replay.play(block.expect("a whole one"), &mut truth).expect("the same");
    }
    let nobody = Explain::new("nobody", Filter::Any);
    let accounts = std::mem::replace(&mut truth.explain, nobody).finish();
    (replay, truth, accounts)
}

fn count(accounts: &[Account], is_it: impl Fn(&Fate) -> bool) -> u64 {
    accounts.iter().flat_map(|account| &account.fates).filter(|fate| is_it(fate)).count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_explained_is_what_happened((config, steps) in day(), turn in any::<Index>()) {
        let turn = (!steps.is_empty()).then(|| turn.index(steps.len()));
        for (file, _) in record_in_files(config, &steps, Bodies::Whole, turn) {
            let (replay, truth, accounts) = look(&file);
            let numbers: Vec<u64> = accounts.iter().map(|account| account.number).collect();
            prop_assert_eq!(&numbers, &truth.sent.keys().copied().collect::<Vec<_>>());
            let missed = count(&accounts, |fate| matches!(fate, Fate::Missed { .. }));
            if replay.header().is_continued {
                // What he had not read before is in no account.
                prop_assert!(missed <= truth.missed);
            } else {
                prop_assert_eq!(missed, truth.missed);
            }
            for account in &accounts {
                let (from, is_online, _) = &truth.sent[&account.number];
                prop_assert_eq!(&account.from, from);
                let is_told = |fate: &&Fate| matches!(fate, Fate::Told { .. });
                let told = account.fates.iter().filter(is_told).count();
                let expected = truth.told.get(&account.number).copied().unwrap_or_default();
                prop_assert_eq!(told, expected);
                for fate in &account.fates {
                    let is_taken = match fate {
                        Fate::Told { .. } | Fate::Missed { .. } | Fate::Closed { .. } => true,
                        Fate::Unread => true,
                        Fate::NotOnline { .. } => {
                            prop_assert!(!is_online);
                            continue;
                        }
                        Fate::NotInGroup => {
                            prop_assert!(account.to.starts_with("the group"));
                            continue;
                        }
                        Fate::Refused { .. } => false,
                    };
                    prop_assert_eq!(truth.taken.contains(&account.number), is_taken);
                }
            }
        }
    }
}
