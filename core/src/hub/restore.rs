//! Reading a hub's state back. It may come from anywhere: nothing is believed that is not checked.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use slotmap::Key;

use super::{
    Hub, Wake,
    consistency::{Flaw, ensure},
};
use crate::{
    ConnId, Name, Payload, RestoreError, Stats,
    addresses::Address,
    conn::{Conn, Cursor, Membership, State},
    conns::Conns,
    rate::Meter,
    shutdown::Shutdown,
    state::{HubState, Life, SavedConn, SavedSlot, SavedWake},
    timers::Timer,
    topic::{Topic, TopicId, TopicName},
};

/// What counts upwards one by one is less than this in any state, so that it cannot overflow later: it
/// would take a billion a second, for almost three centuries. Sums of bytes, and of what was missed,
/// stay at their end.
const COUNTED: u64 = 1 << 63;

/// Slots that have had as many connections as they can have are less than these: it would take a
/// million new connections a second, for four years.
const USED_UP: usize = 1 << 16;

impl<P: Payload> Hub<P> {
    /// The hub that was [saved](Self::save). The same inputs lead to the same outputs, frames,
    /// deadlines and figures as with the one that was saved. The `seed` may be another, see
    /// [`new`](Self::new).
    ///
    /// # Errors
    /// If no hub can be in this state. Whatever is restored holds to all that is said of the hub, and
    /// does not panic. It is bounded by its [settings](HubState::config) where the hub is, so but for
    /// what has yet to be [polled](Self::poll_output).
    pub fn restore(state: HubState<P>, seed: u64) -> Result<Self, RestoreError> {
        Self::try_restore(state, seed).map_err(|flaw| RestoreError { flaw })
    }

    fn try_restore(state: HubState<P>, seed: u64) -> Result<Self, Flaw> {
        check_counts(&state)?;
        let mut hub = Self::new(state.config, seed, state.now);
        (hub.seq, hub.checks, hub.events) = (state.seq, state.checks, state.events);
        hub.stats = state.stats;
        let topics = hub.restore_topics(state.topics)?;
        let max_connections = hub.config.max_connections;
        hub.conns = restore_conns(state.slots, &state.free, &topics, max_connections)?;
        hub.restore_members()?;
        hub.restore_addresses(state.addresses)?;
        hub.restore_timers(state.stale_timers);
        hub.restore_wakes(state.wakes, &topics)?;
        hub.outputs = state.outputs;
        hub.shutdown = state.shutdown.map(Shutdown::restore);
        hub.check_consistency()?;
        Ok(hub)
    }

    /// The topics, and the names by which they are found. Returns their ids.
    fn restore_topics(&mut self, saved: Vec<Topic<P>>) -> Result<Vec<TopicId>, Flaw> {
        let mut topics = Vec::with_capacity(saved.len());
        for mut topic in saved {
            ensure(topic.first() < COUNTED, "a topic with more messages than there can be")?;
            let bytes = topic.restore_bytes(self.stats.payload_bytes);
            self.stats.payload_bytes = bytes.ok_or("more bytes than there can be")?;
            let is_everyone = matches!(topic.name, TopicName::Everyone);
            ensure(is_everyone == topics.is_empty(), "everybody is the first topic")?;
            if is_everyone {
                self.topics[self.everyone] = topic;
                topics.push(self.everyone);
                continue;
            }
            let name = topic.name.clone();
            let checked = Name::new(name.as_str()).map_err(|_| "a bad name")?;
            let (known, index) = match name {
                TopicName::User(_) => (self.find_user(checked), &mut self.users),
                _ => (self.find_group(checked), &mut self.groups),
            };
            ensure(known.is_none(), "a name twice")?;
            let id = self.topics.insert(topic);
            index.insert(checked.as_str(), id, |other| self.topics[other].name.as_str());
            topics.push(id);
        }
        ensure(!topics.is_empty(), "everybody is missing")?;
        Ok(topics)
    }

    /// Who is in which topic, and who has yet to read what, by the connections' cursors.
    fn restore_members(&mut self) -> Result<(), Flaw> {
        let mut members: BTreeMap<TopicId, Vec<(usize, ConnId)>> = BTreeMap::new();
        for (id, conn) in self.conns.iter() {
            for cursor in &conn.cursors {
                if let Membership::Member { index } = cursor.membership {
                    members.entry(cursor.topic).or_default().push((index, id));
                }
            }
        }
        for (topic, mut members) in members {
            members.sort_unstable();
            let all = members.iter().map(|(index, _)| *index).eq(0..members.len());
            ensure(all, "a place in a topic that is nobody's, or that of two")?;
            let topic_of = &mut self.topics[topic];
            for (_, conn) in members {
                topic_of.add_member(conn);
            }
            if let TopicName::User(uid) = &topic_of.name {
                self.online.insert(Arc::clone(uid), topic);
            }
        }
        for (topic, tally) in self.tallies() {
            self.topics[topic].restore_readers(tally.readers, &tally.unread);
        }
        Ok(())
    }

    fn restore_addresses(&mut self, saved: Vec<(Address, Meter)>) -> Result<(), Flaw> {
        for (address, logins) in saved {
            ensure(self.addresses.restore(address, logins), "an address twice")?;
        }
        if self.counts_addresses() {
            for address in self.conns.iter().filter_map(|(_, conn)| conn.address) {
                self.addresses.add(address);
            }
        }
        Ok(())
    }

    fn restore_timers(&mut self, stale: Vec<Timer>) {
        let live = self.conns.iter().filter_map(|(conn, known)| {
            let (at, why) = known.timer?;
            Some(Timer { at, conn, why })
        });
        for timer in live.chain(stale) {
            self.timers.set(timer);
        }
    }

    fn restore_wakes(
        &mut self,
        saved: impl IntoIterator<Item = SavedWake>,
        topics: &[TopicId],
    ) -> Result<(), Flaw> {
        for wake in saved {
            let (wake, waits_already) = match wake {
                SavedWake::Conn(id) => {
                    let queued = self.conns.get_mut(id).map(|conn| &mut conn.queued);
                    (Wake::Conn(id), queued.is_some_and(|queued| core::mem::replace(queued, true)))
                }
                SavedWake::Topic(None) => (Wake::Topic(TopicId::null()), false),
                SavedWake::Topic(Some(index)) => {
                    let id = *topics.get(index).ok_or("a walk over no topic")?;
                    (Wake::Topic(id), self.topics[id].restore_walk())
                }
                SavedWake::Shutdown => (Wake::Shutdown, false),
            };
            ensure(!waits_already, "a second place in the queue")?;
            self.wakes.push_back(wake);
        }
        Ok(())
    }
}

/// Nothing that counts is near its end.
fn check_counts<P>(state: &HubState<P>) -> Result<(), Flaw> {
    let Stats { accepted, received_bytes, delivered, delivered_bytes, .. } = state.stats;
    let Stats { missed, pings, stale, refused, closed, .. } = state.stats;
    let counters = [state.seq, state.checks, state.events, missed, pings, stale, refused];
    let counters = counters.into_iter().chain([accepted, delivered]);
    let counters = counters.chain([received_bytes, delivered_bytes]);
    let mut counters = counters.chain(closed.iter().map(|(_, count)| count));
    ensure(counters.all(|count| count < COUNTED), "a count that is none")?;
    let counts = Stats {
        connections: 0,
        logged_in: 0,
        users: 0,
        groups: 0,
        payload_bytes: 0,
        oldest_to_everyone: None,
        wakes: 0,
        ..state.stats
    };
    ensure(counts == state.stats, "figures where there should be counts")
}

fn restore_conns(
    slots: Vec<SavedSlot>,
    free: &[u32],
    topics: &[TopicId],
    max_connections: usize,
) -> Result<Conns, Flaw> {
    let is_used_up = |slot: &&SavedSlot| slot.version == u32::MAX && slot.conn.is_none();
    let used_up = slots.iter().filter(is_used_up).count();
    let is_bounded = used_up <= USED_UP && slots.len() - used_up <= max_connections;
    ensure(is_bounded, "too many connections")?;
    let mut conns = Conns::default();
    for SavedSlot { version, conn } in slots {
        let conn = conn.map(|conn| restore_conn(*conn, topics)).transpose()?;
        conns.restore_slot(version, conn)?;
    }
    conns.restore_free(free)?;
    Ok(conns)
}

fn restore_conn(saved: SavedConn, topics: &[TopicId]) -> Result<Conn, Flaw> {
    let mut conn = Conn::new(State::Closed);
    for cursor in saved.cursors {
        let topic = *topics.get(cursor.topic).ok_or("a cursor in no topic")?;
        conn.cursors.push(Cursor { topic, next: cursor.next, membership: cursor.membership });
    }
    conn.timer = saved.life.deadline();
    conn.state = match saved.life {
        Life::Login { .. } => State::Login,
        Life::Credential { .. } => State::Credential,
        Life::Checking { ticket, .. } => State::Checking { ticket },
        Life::Open { generation, since, watch } => {
            (conn.generation, conn.since, conn.watch) = (generation, since, watch);
            let own = conn.cursors.get(1).ok_or("an open connection without a uid")?;
            State::Open { user: own.topic }
        }
        Life::Closing { reason, .. } => State::Closing { reason },
        Life::Closed { .. } => State::Closed,
    };
    conn.address = saved.address;
    (conn.messages, conn.bytes) = (saved.messages, saved.bytes);
    conn.wake = saved.wake;
    conn.replies = saved.replies;
    Ok(conn)
}
