//! The hub's invariants, in code.

use alloc::collections::BTreeSet;

use super::Hub;
use crate::{
    Payload, Stage,
    conn::{Membership, State, Wakefulness},
    topic::{Topic, TopicName},
};

impl<P: Payload> Hub<P> {
    /// Checks all that must be true between any two calls. Takes time in proportion to everything
    /// in the hub: it is for tests and fuzzers.
    ///
    /// # Panics
    /// If something is not true.
    pub fn assert_consistent(&self) {
        self.assert_conns();
        self.assert_shutdown();
        self.assert_topics();
        self.assert_bounds();
    }

    /// States, memberships and deadlines fit together, and whoever has something to read has been,
    /// or will be, told.
    fn assert_conns(&self) {
        for (id, conn) in self.conns.iter() {
            let is_open = matches!(conn.state, State::Open { .. });
            if is_open {
                assert_eq!(conn.timer, conn.watch.next(), "a deadline that nobody waits for");
            } else {
                assert!(conn.timer.is_some(), "all but open connections have a deadline");
                assert!(!conn.watch.ping, "only open connections are pinged");
            }
            let idle = conn.wake == Wakefulness::Idle && !self.is_overtaken(id);
            assert!(conn.wake != Wakefulness::Due || conn.queued, "a wake-up that will not come");
            if idle {
                assert!(conn.replies.is_empty(), "a reply without a wake-up");
                assert!(!conn.watch.ping, "a ping without a wake-up");
                assert!(!matches!(conn.state, State::Closing { .. }), "a close without a wake-up");
            }
            if let State::Checking { ticket } = conn.state {
                assert!(conn.replies.len() < self.config.max_replies, "no room for a verdict");
                assert!(ticket <= self.checks, "a check that was not asked for");
            }
            let mut memberships = 0;
            for cursor in &conn.cursors {
                let topic = &self.topics[cursor.topic];
                assert!(!cursor.is_done(), "a cursor outlived its messages");
                assert!(cursor.next <= cursor.until(topic.end()), "a cursor is past its end");
                match cursor.membership {
                    Membership::Member { index } => {
                        memberships += 1;
                        assert_eq!(topic.members()[index], id, "members and cursors disagree");
                        let told = !idle || topic.will_visit(index);
                        assert!(told || cursor.next == topic.end(), "a message without a wake-up");
                    }
                    Membership::Left { .. } => {
                        assert!(!idle, "a rest to read without a wake-up");
                    }
                }
            }
            if let State::Open { user } = conn.state {
                assert_eq!(conn.cursors[0].topic, self.everyone);
                assert_eq!(conn.cursors[1].topic, user);
            } else {
                assert_eq!(memberships, 0, "a member that is not logged in");
            }
        }
    }

    /// A shutdown has everybody before it who is not on the way out.
    fn assert_shutdown(&self) {
        let Some(shutdown) = &self.shutdown else { return };
        let left: BTreeSet<_> = shutdown.left().collect();
        for (id, conn) in self.conns.iter() {
            let is_closing = Stage::from(&conn.state) == Stage::Closing;
            assert!(is_closing || left.contains(&id), "a connection that stays after a shutdown");
        }
    }

    /// The index finds exactly the topics that are in use, and each entry counts its readers.
    fn assert_topics(&self) {
        let mut named = [0, 0];
        let mut payload_bytes = 0;
        for (id, topic) in &self.topics {
            let find = |index: &crate::index::NameIndex, name: &str| {
                index.find(name, |other| self.topics[other].name.as_str() == name)
            };
            match &topic.name {
                TopicName::Everyone => assert_eq!(id, self.everyone),
                TopicName::User(name) => {
                    named[0] += 1;
                    assert_eq!(find(&self.users, name), Some(id));
                }
                TopicName::Group(name) => {
                    named[1] += 1;
                    assert_eq!(find(&self.groups, name), Some(id));
                }
            }
            let cursors: alloc::vec::Vec<_> = self
                .conns
                .iter()
                .flat_map(|(_, conn)| conn.cursors.iter().filter(|cursor| cursor.topic == id))
                .collect();
            assert_eq!(topic.readers, cursors.len(), "readers and cursors disagree");
            assert!(topic.readers > 0 || id == self.everyone, "a topic that nobody reads");
            for (position, unread) in (topic.first()..).zip(topic.unread()) {
                let readers = cursors
                    .iter()
                    .filter(|c| c.next <= position && position < c.until(topic.end()))
                    .count();
                assert_eq!(unread, readers, "an entry and its readers disagree");
            }
            assert_ne!(topic.unread().next(), Some(0), "a message is kept for nobody");
            payload_bytes += topic.bytes();
        }
        assert_eq!(named, [self.users.len(), self.groups.len()], "names and topics disagree");
        let online = |topic: &&Topic<P>| {
            matches!(topic.name, TopicName::User(_)) && !topic.members().is_empty()
        };
        let online = self.topics.values().filter(online).count();
        assert_eq!(self.online.len(), online, "names and who is online disagree");
        for (uid, user) in self.online.after(None) {
            assert_eq!(self.topics.get(user).map(|user| user.name.as_str()), Some(uid));
        }
        assert_eq!(payload_bytes, self.stats.payload_bytes);
    }

    /// Nothing is larger than the configuration allows.
    fn assert_bounds(&self) {
        let config = &self.config;
        assert!(self.conns.len() <= config.max_connections);
        assert!(self.groups.len() <= config.max_groups);
        assert!(self.stats.payload_bytes as u128 <= config.payload_bound());
        for (id, topic) in &self.topics {
            let limit = self.ring_limit(id);
            assert!(topic.unread().count() <= limit.entries.max(1));
            assert!(topic.bytes() <= limit.bytes);
        }
        for (_, conn) in self.conns.iter() {
            assert!(conn.replies.len() <= config.max_replies);
            assert!(conn.cursors.len() <= config.max_groups_per_connection + 2);
        }
        let with_address = self.conns.iter().filter(|(_, conn)| conn.address.is_some()).count();
        let counted = if self.counts_addresses() { with_address } else { 0 };
        assert_eq!(self.addresses.total(), counted, "connections and their addresses disagree");
        assert!(self.addresses.idle() <= config.max_connections);
        assert!(self.timers.len() <= (2 * self.conns.len()).max(64));
        let walks = self.topics.values().filter(|topic| Topic::walking(topic)).count();
        let conns = self.conns.iter().filter(|(_, conn)| conn.queued).count();
        let live = |wake: &&super::Wake| match wake {
            super::Wake::Conn(conn) => self.conns.contains_key(*conn),
            _ => false,
        };
        assert_eq!(self.wakes.iter().filter(live).count(), conns, "a place in the queue too many");
        let queued = self.wakes.iter().filter(|wake| matches!(wake, super::Wake::Topic(_))).count();
        assert!(queued >= walks, "a walk that will not go on");
    }
}
