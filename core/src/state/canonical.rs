//! States that are compared, however the hubs came to be in them.

use alloc::vec::Vec;
use core::mem;

use super::{HubState, Life, SavedSlot, SavedWake};
use crate::{
    ConnId, Event, Login, Output, Stats,
    conn::Membership,
    conns,
    time::Instant,
    topic::{Topic, TopicName},
};

impl<P> HubState<P> {
    /// What counts for the future, in terms that say nothing of the past. Connections are named by
    /// their place in `order`, and those that are not in it have no name. Sequence numbers and the
    /// like are their rank among those that there are; times are counted from now on; counters and
    /// timers that do not count are left out. `payload` does the same to a message.
    ///
    /// Hubs with the same canonical state do the same from there on, but for names and numbers,
    /// where there is no heartbeat (it depends on ids), no shutdown, and too little to do for any
    /// call to put some of it off. It is for whoever explores what hubs can come to, and not to be
    /// restored.
    pub fn canonical(mut self, order: &[ConnId], mut payload: impl FnMut(&mut P)) -> Self {
        self.sort_topics();
        let ranks = self.rank();
        let name = |id: ConnId| {
            let place = (1..).zip(order).find(|(_, other)| **other == id);
            place.map_or(ConnId::default(), |(place, _)| conns::id(place, 1))
        };
        let bases = self.rebase_cursors();
        for (topic, base) in self.topics.iter_mut().zip(bases) {
            topic.canonical(base, |seq| ranks.seq.of(seq), &mut payload);
        }
        self.slots = order.iter().map(|id| self.take_slot(*id)).collect();
        for conn in self.slots.iter_mut().filter_map(|slot| slot.conn.as_mut()) {
            for reply in &mut conn.replies {
                reply.seq = ranks.seq.of(reply.seq);
            }
            conn.life.canonical(self.now, &ranks);
        }
        let is_known = |wake: &SavedWake| match wake {
            SavedWake::Conn(conn) => order.contains(conn),
            SavedWake::Topic(topic) => topic.is_some(),
            SavedWake::Shutdown => true,
        };
        self.wakes.retain(is_known);
        for wake in &mut self.wakes {
            if let SavedWake::Conn(conn) = wake {
                *conn = name(*conn);
            }
        }
        for output in &mut self.outputs {
            canonical_output(output, &ranks, name, &mut payload);
        }
        Self {
            now: Instant::ZERO,
            seq: 0,
            checks: 0,
            events: 0,
            stats: Stats::default(),
            free: Vec::new(),
            stale_timers: Vec::new(),
            ..self
        }
    }

    /// Puts topics into the order of their names.
    fn sort_topics(&mut self) {
        let kind = |name: &TopicName| match name {
            TopicName::Everyone => 0,
            TopicName::User(_) => 1,
            TopicName::Group(_) => 2,
        };
        let mut numbered: Vec<(usize, Topic<P>)> =
            mem::take(&mut self.topics).into_iter().enumerate().collect();
        numbered.sort_by(|(_, a), (_, b)| {
            (kind(&a.name), a.name.as_str()).cmp(&(kind(&b.name), b.name.as_str()))
        });
        let order: Vec<_> = numbered.iter().map(|(index, _)| *index).collect();
        let place = |index: usize| order.iter().position(|other| *other == index);
        for cursor in self.slots.iter_mut().filter_map(|slot| slot.conn.as_mut()) {
            for cursor in &mut cursor.cursors {
                cursor.topic = place(cursor.topic).unwrap_or(usize::MAX);
            }
        }
        for wake in &mut self.wakes {
            if let SavedWake::Topic(topic) = wake {
                *topic = topic.and_then(place);
            }
        }
        self.topics = numbered.into_iter().map(|(_, topic)| topic).collect();
    }

    /// Counts the positions in each topic from the first one that still means something, and
    /// returns that one.
    fn rebase_cursors(&mut self) -> Vec<u64> {
        let mut bases: Vec<_> = self.topics.iter().map(Topic::first_kept).collect();
        let conns = || self.slots.iter().filter_map(|slot| slot.conn.as_ref());
        for cursor in conns().flat_map(|conn| &conn.cursors) {
            if let Some(base) = bases.get_mut(cursor.topic) {
                *base = cursor.next.min(*base);
            }
        }
        for conn in self.slots.iter_mut().filter_map(|slot| slot.conn.as_mut()) {
            for cursor in &mut conn.cursors {
                let base = bases.get(cursor.topic).copied().unwrap_or(0);
                cursor.next -= base;
                if let Membership::Left { until } = &mut cursor.membership {
                    *until = until.saturating_sub(base);
                }
            }
        }
        bases
    }

    fn take_slot(&mut self, id: ConnId) -> SavedSlot {
        let mut numbered = (1..).zip(&mut self.slots);
        let slot = numbered.find(|(number, slot)| conns::id(*number, slot.version) == id);
        SavedSlot { version: 1, conn: slot.and_then(|(_, slot)| slot.conn.take()) }
    }

    fn rank(&self) -> Ranks {
        let conns = || self.slots.iter().filter_map(|slot| slot.conn.as_ref());
        let replies = conns().flat_map(|conn| conn.replies.iter().map(|reply| reply.seq));
        let seqs = self.topics.iter().flat_map(Topic::seqs).chain(replies);
        let lives = conns().filter_map(|conn| match &conn.life {
            Life::Open { generation, .. } => Some(*generation),
            _ => None,
        });
        let said = self.outputs.iter().flat_map(|output| match output {
            Output::Event(Event::LoggedIn { seq, login, .. }) => {
                [Some(*seq), Some(login.generation)]
            }
            Output::Event(Event::Closed { seq, login, .. }) => {
                [Some(*seq), login.as_ref().map(|login| login.generation)]
            }
            _ => [None, None],
        });
        let checks = conns().filter_map(|conn| match &conn.life {
            Life::Checking { ticket, .. } => Some(*ticket),
            _ => None,
        });
        let asked = self.outputs.iter().filter_map(|output| match output {
            Output::Check { ticket, .. } => Some(ticket.number),
            _ => None,
        });
        Ranks {
            seq: Rank::new(seqs),
            event: Rank::new(lives.chain(said.flatten())),
            check: Rank::new(checks.chain(asked)),
        }
    }
}

impl Life {
    fn canonical(&mut self, now: Instant, ranks: &Ranks) {
        match self {
            Self::Login { until }
            | Self::Credential { until }
            | Self::Closing { until, .. }
            | Self::Closed { until } => *until = until.after(now),
            Self::Checking { ticket, until } => {
                *ticket = ranks.check.of(*ticket);
                *until = until.after(now);
            }
            Self::Open { generation, since, watch } => {
                *generation = ranks.event.of(*generation);
                *since = Instant::ZERO;
                watch.canonical(now);
            }
        }
    }
}

fn canonical_output<P>(
    output: &mut Output<P>,
    ranks: &Ranks,
    name: impl Fn(ConnId) -> ConnId,
    mut payload: impl FnMut(&mut P),
) {
    let rank = |login: &mut Login| login.generation = ranks.event.of(login.generation);
    let conn = match output {
        Output::Ready { conn } | Output::Drop { conn } => conn,
        Output::Check { ticket, conn, credential } => {
            ticket.number = ranks.check.of(ticket.number);
            ticket.conn = name(ticket.conn);
            payload(credential);
            conn
        }
        Output::Event(Event::LoggedIn { seq, conn, login }) => {
            *seq = ranks.event.of(*seq);
            rank(login);
            conn
        }
        Output::Event(Event::Closed { seq, conn, login, .. }) => {
            *seq = ranks.event.of(*seq);
            login.iter_mut().for_each(rank);
            conn
        }
    };
    *conn = name(*conn);
}

/// The ranks of numbers that only grow.
struct Ranks {
    seq: Rank,
    event: Rank,
    check: Rank,
}

struct Rank(Vec<u64>);

impl Rank {
    fn new(numbers: impl Iterator<Item = u64>) -> Self {
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }

    fn of(&self, number: u64) -> u64 {
        self.0.partition_point(|other| *other <= number) as u64
    }
}
