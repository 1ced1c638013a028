//! Writing a hub's state out.

use slotmap::SecondaryMap;

use super::{Hub, Wake};
use crate::{
    Payload, Stats, TimeoutReason,
    conn::{Conn, State},
    state::{HubState, Life, SavedConn, SavedCursor, SavedWake, Version},
    time::Instant,
    topic::TopicId,
};

impl<P: Payload> Hub<P> {
    /// The state, from which [`restore`](Self::restore) makes a hub that does the same as this one
    /// whatever they are fed from here on. Takes time and memory in proportion to everything in the
    /// hub; messages are cloned.
    ///
    /// This is the ground for a new process to take over from an old one without the connections
    /// being lost. The old one stops feeding the hub, and hands over its state and its sockets, each
    /// with the connection's id. The new one
    ///
    /// - goes on with the same clock, so from [`HubState::now`] on;
    /// - feeds [`Input::Disconnected`](crate::Input::Disconnected) for those of the
    ///   [connections](HubState::connections) whose socket did not come with them;
    /// - pulls from all others once, as who was told to be [ready](crate::Output::Ready) before and
    ///   has not been pulled empty since is not told again;
    /// - has the verdicts on credentials that were shown before, or lets the login time run out.
    ///
    /// What else the old process knows of a connection is its own to hand over: what it has pulled
    /// and not written, and read and not fed.
    ///
    /// ```
    /// use switchboard_core::{Config, Hub, HubState, Instant};
    ///
    /// let mut hub: Hub<String> = Hub::new(Config::default(), 1, Instant::ZERO);
    /// let conn = hub.connect(Instant::ZERO, None)?;
    /// let bytes = postcard::to_allocvec(&hub.save())?;
    ///
    /// let state: HubState<String> = postcard::from_bytes(&bytes)?;
    /// assert!(state.connections().eq([conn]));
    /// let restored = Hub::restore(state, 2)?;
    /// assert_eq!(restored.poll_timeout(), hub.poll_timeout());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn save(&self) -> HubState<P> {
        let mut indices = SecondaryMap::new();
        for (index, id) in self.topics.keys().enumerate() {
            indices.insert(id, index);
        }
        let wake = |wake: &Wake| match *wake {
            Wake::Conn(conn) => SavedWake::Conn(conn),
            Wake::Topic(topic) => SavedWake::Topic(indices.get(topic).copied()),
            Wake::Shutdown => SavedWake::Shutdown,
        };
        let (slots, free) = self.conns.save(|conn| save_conn(conn, &indices));
        HubState {
            version: Version,
            config: self.config.clone(),
            now: self.now,
            seq: self.seq,
            checks: self.checks,
            events: self.events,
            stats: Stats { payload_bytes: 0, ..self.stats },
            slots,
            free,
            topics: self.topics.values().map(|topic| topic.save()).collect(),
            addresses: self.addresses.save(),
            stale_timers: self.timers.stale(|timer| {
                self.conns.get(timer.conn).is_some_and(|conn| conn.has_timer(timer))
            }),
            wakes: self.wakes.iter().map(wake).collect(),
            outputs: self.outputs.clone(),
            shutdown: self.shutdown.as_ref().map(|shutdown| shutdown.save()),
        }
    }
}

fn save_conn(conn: &Conn, indices: &SecondaryMap<TopicId, usize>) -> SavedConn {
    // All but open connections have a deadline.
    let until = conn.timer.map_or(Instant::END, |(at, _)| at);
    let life = match &conn.state {
        State::Login => Life::Login { until },
        State::Credential => Life::Credential { until },
        State::Checking { ticket } => Life::Checking { ticket: *ticket, until },
        State::Open { .. } => {
            Life::Open { generation: conn.generation, since: conn.since, watch: conn.watch.clone() }
        }
        State::Closing { reason } => Life::Closing { reason: reason.clone(), until },
        State::Closed => Life::Closed { until },
    };
    let cursors = conn.cursors.iter().map(|cursor| SavedCursor {
        topic: indices[cursor.topic],
        next: cursor.next,
        membership: cursor.membership,
    });
    SavedConn {
        life,
        address: conn.address,
        messages: conn.messages,
        bytes: conn.bytes,
        wake: conn.wake,
        cursors: cursors.collect(),
        replies: conn.replies.clone(),
    }
}

impl Life {
    /// The connection's state, but for its user, and its deadline.
    pub(super) fn deadline(&self) -> Option<(Instant, TimeoutReason)> {
        match self {
            Self::Login { until } | Self::Credential { until } | Self::Checking { until, .. } => {
                Some((*until, TimeoutReason::Login))
            }
            Self::Open { watch, .. } => watch.next(),
            Self::Closing { until, .. } | Self::Closed { until } => {
                Some((*until, TimeoutReason::Close))
            }
        }
    }
}
