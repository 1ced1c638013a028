//! A day of which all is up to chance, and its record.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use proptest::{collection::vec, prelude::*, sample::Index};
use switchboard_core::{
    Authentication, Config, ConnId, Denial, DuplicateUid, Fault, Hub, Input, Instant, Kick, Name,
    Output, Problem, Rate, Request, RingLimit, SlowReader, Stage, Stats, Target, Ticket, Verdict,
};
use switchboard_trace::{Bodies, Digest, Recorded, Tape};

/// Settings, and what happens, with somebody there to begin with.
pub(crate) fn day() -> impl Strategy<Value = (Config, Vec<Step>)> {
    let config = any::<[bool; 3]>().prop_map(|[a, b, c]| config(a, b, c));
    let here = (0..4_u8).prop_flat_map(|users| {
        let login = |uid| step().prop_map(move |step| Step { what: LOG_IN, uid, ..step });
        (0..users).map(login).collect::<Vec<_>>()
    });
    let steps = (here, vec(step(), 0..120)).prop_map(|(here, steps)| [here, steps].concat());
    (config, steps)
}

/// A step of the day: which connection and which uid take part is up to the numbers.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) what: u8,
    pub(crate) conn: Index,
    pub(crate) uid: u8,
    pub(crate) size: usize,
    pub(crate) micros: u64,
}

/// Somebody connects and logs in.
const LOG_IN: u8 = 24;

fn step() -> impl Strategy<Value = Step> {
    let micros = prop_oneof![60 => 0..10_000_u64, 1 => 0..30_000_000_u64];
    // Most of it among those who are logged in: messages, and who reads them.
    let what = prop_oneof![4 => 0..24_u8, 6 => 5..11_u8, 2 => 13..18_u8, 1 => Just(LOG_IN)];
    let parts = (what, any::<Index>(), 0..4_u8, 0..50_usize, micros);
    parts.prop_map(|(what, conn, uid, size, micros)| Step { what, conn, uid, size, micros })
}

/// Settings in which things happen.
pub(crate) fn config(checked: bool, share: bool, close: bool) -> Config {
    let ring = RingLimit { entries: 3, bytes: 100 };
    Config {
        authentication: if checked { Authentication::Checked } else { Authentication::Open },
        duplicate_uid: if share { DuplicateUid::Share } else { DuplicateUid::Replace },
        slow_reader: if close { SlowReader::Close } else { SlowReader::Gap },
        message_rate: Some(Rate { per_second: 100, burst: 10 }),
        max_connections: 6,
        max_groups: 2,
        max_replies: 3,
        everyone_ring: ring,
        user_ring: ring,
        group_ring: ring,
        ..Config::default()
    }
}

/// What there is at the end of a day.
pub(crate) type End = (Digest, Stats);

/// The file of a day, and its end. From that step on, in a second file.
pub(crate) fn record_in_files(
    config: Config,
    steps: &[Step],
    bodies: Bodies,
    turn: Option<usize>,
) -> Vec<(Vec<u8>, End)> {
    let start = Instant::from_micros(77);
    let file = Arc::new(Mutex::new(Vec::new()));
    let writes = Arc::clone(&file);
    let sink = move |bytes: Vec<u8>| {
        writes.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    };
    let mut files = Vec::new();
    let hub: Hub<Arc<str>> = Hub::new(config, 5, start);
    let tape = Tape::new(&hub, start, 1_000_000, bodies, sink);
    let mut day = Day {
        hub: Recorded::new(hub, Some(tape)),
        now: start,
        conns: Vec::new(),
        tickets: BTreeMap::new(),
    };
    let mut end = |day: &mut Day| {
        day.hub.flush();
        let digest = day.hub.digest().expect("there is a tape");
        let end = (digest, day.hub.stats());
        files.push((std::mem::take(&mut *file.lock().expect("no panic")), end));
    };
    for (number, step) in steps.iter().enumerate() {
        if turn == Some(number) {
            end(&mut day);
            let beginning = day.hub.go_on(2_000_000).expect("there is a tape");
            let mut to = file.lock().expect("no panic");
            let Ok(()) = beginning.write(|bytes| {
                to.extend_from_slice(bytes);
                Ok::<_, Infallible>(())
            });
        }
        day.step(step);
    }
    end(&mut day);
    files
}

struct Day {
    hub: Recorded<Arc<str>>,
    now: Instant,
    conns: Vec<ConnId>,
    tickets: BTreeMap<ConnId, Ticket>,
}

impl Day {
    fn step(&mut self, step: &Step) {
        self.now = self.now + std::time::Duration::from_micros(step.micros);
        let now = self.now;
        let uid = ["alice", "bob", "eve", "mallory"][usize::from(step.uid)];
        let name = Name::new(uid).expect("a name");
        let payload: Arc<str> = "m".repeat(step.size).into();
        if self.conns.is_empty() || step.what < 2 {
            let address: IpAddr = [10, 0, 0, step.uid].into();
            self.conns.extend(self.hub.connect(now, Some(address)));
            return;
        }
        if step.what == LOG_IN {
            return self.log_in(name);
        }
        let index = self.pick(step);
        let conn = self.conns[index];
        let request = match step.what {
            2 | 3 => Request::Login(name),
            4 => Request::Authenticate(payload),
            5 | 6 => Request::Send { to: Target::Everyone, payload },
            7 | 8 => Request::Send { to: Target::User(name), payload },
            9 => Request::Send { to: Target::Group(name), payload },
            10 => Request::Join(name),
            11 => Request::Leave(name),
            12 => Request::Invalid(Problem::ExpectedUidMessage),
            what => return self.other(what, index, name, payload),
        };
        self.hub.handle(now, Input::Request { conn, request, size: step.size });
    }

    /// Which connection takes part: mostly one that is logged in.
    fn pick(&self, step: &Step) -> usize {
        let (count, index) = (self.conns.len(), step.conn.index(self.conns.len()));
        let is_open = |index: &usize| self.hub.stage(self.conns[*index]) == Stage::Open;
        let mut others = (index..count).chain(0..index);
        let open = if step.size.is_multiple_of(4) { None } else { others.find(is_open) };
        open.unwrap_or(index)
    }

    fn log_in(&mut self, name: Name<'_>) {
        let Ok(conn) = self.hub.connect(self.now, None) else { return };
        self.conns.push(conn);
        let request = match self.hub.config().authentication {
            Authentication::Open => Request::Login(name),
            Authentication::Checked => Request::Authenticate("secret".into()),
        };
        self.hub.handle(self.now, Input::Request { conn, request, size: 1 });
        while let Some(output) = self.hub.poll_output() {
            if let Output::Check { ticket, .. } = output {
                let verdict = Verdict::Accepted(name);
                self.hub.handle(self.now, Input::Verdict { ticket, verdict });
            }
        }
    }

    fn other(&mut self, what: u8, index: usize, name: Name<'_>, payload: Arc<str>) {
        let (now, conn) = (self.now, self.conns[index]);
        let input = match what {
            13..=15 => {
                // As many frames as the socket takes.
                for _ in 0..=payload.len() % 4 {
                    let _frame = self.hub.poll_frame(conn);
                }
                return;
            }
            16 | 17 => {
                for _ in 0..=payload.len() % 8 {
                    if let Some(Output::Check { ticket, conn, .. }) = self.hub.poll_output() {
                        self.tickets.insert(conn, ticket);
                    }
                }
                return;
            }
            // Some are asked for what they have to read after they have ended.
            18 if payload.len().is_multiple_of(2) => Input::Disconnected { conn },
            18 => Input::Disconnected { conn: self.conns.swap_remove(index) },
            19 => match self.tickets.remove(&conn) {
                Some(ticket) if payload.len().is_multiple_of(2) => {
                    Input::Verdict { ticket, verdict: Verdict::Accepted(name) }
                }
                Some(ticket) => {
                    Input::Verdict { ticket, verdict: Verdict::Denied(Denial::Invalid) }
                }
                None => Input::Heard { conn, size: payload.len() },
            },
            20 => Input::Timeout,
            21 => {
                let _taken = self.hub.push(now, Target::User(name), payload);
                return;
            }
            22 => {
                let kick = Kick::new(4001, "go").expect("a kick");
                let _kicked = self.hub.kick(now, name, &kick);
                return;
            }
            _ => Input::Fault { conn, fault: Fault::TooLarge },
        };
        self.hub.handle(now, input);
    }
}
