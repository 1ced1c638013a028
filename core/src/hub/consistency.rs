//! The hub's invariants, in code: for tests and fuzzers, and for states that come from outside.

mod conns;
mod topics;

use super::{Hub, Wake};
use alloc::vec::Vec;

use crate::{ConnId, Event, Name, Output, Payload, Stage};

/// What is not as it must be.
pub(super) type Flaw = &'static str;

pub(super) fn ensure(holds: bool, otherwise: Flaw) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(otherwise) }
}

impl<P: Payload> Hub<P> {
    /// Checks all that must be true between any two calls. Takes time in proportion to everything
    /// in the hub: it is for tests and fuzzers.
    ///
    /// # Panics
    /// If something is not true.
    #[cfg(any(test, feature = "testing"))]
    pub fn assert_consistent(&self) {
        if let Err(flaw) = self.check_consistency() {
            panic!("{flaw}");
        }
    }

    /// The same, for whoever has to live with the answer.
    pub(super) fn check_consistency(&self) -> Result<(), Flaw> {
        self.check_conns()?;
        self.check_topics()?;
        self.check_wakes()?;
        self.check_outputs()?;
        self.check_shutdown()?;
        self.check_bounds()
    }

    /// Whoever has a place in the queue of wake-ups has one.
    fn check_wakes(&self) -> Result<(), Flaw> {
        let live = |wake: &&Wake| match wake {
            Wake::Conn(conn) => self.conns.get(*conn).is_some_and(|conn| conn.queued),
            Wake::Topic(topic) => self.topics.contains_key(*topic),
            Wake::Shutdown => false,
        };
        let walks = self.topics.values().filter(|topic| topic.is_walking()).count();
        let conns = self.conns.iter().filter(|(_, conn)| conn.queued).count();
        let queued = self.wakes.iter().filter(live).count();
        ensure(queued == walks + conns, "who waits in the queue and who should disagree")?;
        let known = self.wakes.iter().all(|wake| match wake {
            Wake::Conn(conn) => self.conns.was_given(*conn),
            _ => true,
        });
        ensure(known, "a wake-up for a connection that never was")
    }

    /// Events are numbered without holes, and what is said of connections can be true.
    fn check_outputs(&self) -> Result<(), Flaw> {
        let mut numbers = Vec::new();
        for output in &self.outputs {
            let conn = match output {
                Output::Ready { .. } => return Err("a wake-up among the outputs"),
                Output::Drop { conn } => {
                    ensure(!self.conns.contains_key(*conn), "who is dropped is forgotten")?;
                    conn
                }
                Output::Check { ticket, conn, .. } => {
                    let asked = ticket.conn == *conn && ticket.number <= self.checks;
                    ensure(asked, "a check that was not asked for")?;
                    conn
                }
                Output::Event(event) => {
                    let (seq, conn) = check_event(event)?;
                    numbers.push(seq);
                    &{ conn }
                }
            };
            ensure(self.conns.was_given(*conn), "an output for a connection that never was")?;
        }
        let without_holes =
            numbers.iter().copied().rev().eq((1..=self.events).rev().take(numbers.len()));
        ensure(without_holes, "a hole in the numbers of events")?;
        // Each connection that was closed is an event.
        let closed = self.stats.closed.iter();
        let closed = closed.map(|(_, count)| u128::from(count)).sum::<u128>();
        ensure(closed <= u128::from(self.events), "more closes than events")
    }

    /// A shutdown has everybody before it who is not on the way out, and goes on by itself.
    fn check_shutdown(&self) -> Result<(), Flaw> {
        let queued = self.wakes.iter().filter(|wake| matches!(wake, Wake::Shutdown)).count();
        let Some(shutdown) = &self.shutdown else {
            return ensure(queued == 0, "a wake-up for a shutdown that is none");
        };
        ensure(shutdown.start() <= self.now, "a shutdown that is yet to begin")?;
        let left = shutdown.left();
        ensure(left.is_sorted_by(|a, b| a > b), "a connection to be closed twice")?;
        let known = left.iter().all(|(_, conn)| self.conns.was_given(*conn));
        ensure(known, "a shutdown for a connection that never was")?;
        let stays =
            |id: ConnId| left.binary_search_by(|other| (id.phase(), id).cmp(other)).is_err();
        for (id, conn) in self.conns.iter() {
            let is_closing = Stage::from(&conn.state) == Stage::Closing;
            ensure(is_closing || !stays(id), "a connection that stays after a shutdown")?;
        }
        let most = usize::from(shutdown.is_at_once());
        let least = usize::from(shutdown.is_at_once() && !left.is_empty());
        ensure((least..=most).contains(&queued), "a shutdown that does not go on as it should")
    }

    /// Nothing is larger than the configuration allows.
    fn check_bounds(&self) -> Result<(), Flaw> {
        let config = &self.config;
        ensure(self.conns.len() <= config.max_connections, "too many connections")?;
        ensure(self.groups.len() <= config.max_groups, "too many groups")?;
        let payload = self.stats.payload_bytes as u128;
        ensure(payload <= config.payload_bound(), "too much is kept")?;
        for (_, conn) in self.conns.iter() {
            ensure(conn.replies.len() <= config.max_replies, "too many replies")?;
            let cursors = config.max_groups_per_connection.saturating_add(2);
            ensure(conn.cursors.len() <= cursors, "a connection in too many groups")?;
        }
        let with_address = self.conns.iter().filter(|(_, conn)| conn.address.is_some()).count();
        let counted = if self.counts_addresses() { with_address } else { 0 };
        let total = self.addresses.total();
        ensure(total == counted, "connections and their addresses disagree")?;
        let idle = self.addresses.idle()?;
        ensure(idle <= config.max_connections, "too many idle addresses")?;
        let limit = config.max_connections_per_address;
        let crowded = limit.is_some_and(|limit| self.addresses.most_connections() > limit);
        ensure(!crowded, "too many connections from an address")?;
        let timers = (2 * self.conns.len()).max(64);
        ensure(self.timers.len() <= timers, "too many timers that do not count")?;
        let pruned = self.timers.next().is_none_or(|next| {
            let has = |conn: &crate::conn::Conn| conn.timer == Some((next.at, next.why));
            self.conns.iter().any(|(_, conn)| has(conn))
        });
        ensure(pruned, "a deadline that nobody waits for comes first")
    }
}

/// The event's number, and which connection it is about.
fn check_event(event: &Event) -> Result<(u64, ConnId), Flaw> {
    let (seq, conn, login) = match event {
        Event::LoggedIn { seq, conn, login } => {
            ensure(login.generation == *seq, "a login with another's number")?;
            (*seq, *conn, Some(login))
        }
        Event::Closed { seq, conn, login, .. } => {
            let earlier = login.as_ref().is_none_or(|login| login.generation < *seq);
            ensure(earlier, "a login after its end")?;
            (*seq, *conn, login.as_ref())
        }
    };
    let named = login.is_none_or(|login| Name::new(&login.uid).is_ok());
    ensure(named, "an event with a bad name")?;
    Ok((seq, conn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instant};

    fn hub() -> Hub<&'static str> {
        Hub::new(Config::default(), 1, Instant::ZERO)
    }

    #[test]
    #[should_panic(expected = "the bytes that are kept do not add up")]
    fn what_is_not_true_is_told_by_a_panic() {
        let mut hub = hub();
        hub.stats.payload_bytes = 1;
        hub.assert_consistent();
    }

    /// No state that is read back can be like these: what is counted here is made anew then.
    #[test]
    #[cfg(feature = "serde")]
    fn who_waits_and_has_no_place_in_the_queue_is_found() {
        let flaw = Err("who waits in the queue and who should disagree");
        let mut walking = hub();
        let everyone = walking.everyone;
        walking.topics[everyone].restore_walk();
        assert_eq!(walking.check_wakes(), flaw);
        walking.wakes.push_back(Wake::Topic(everyone));
        assert_eq!(walking.check_wakes(), Ok(()));

        let mut queued = hub();
        let conn = queued.connect(Instant::ZERO, None).expect("room");
        queued.conns[conn].queued = true;
        assert_eq!(queued.check_wakes(), flaw);
        queued.wakes.push_back(Wake::Conn(conn));
        assert_eq!(queued.check_wakes(), Ok(()));
        queued.conns[conn].timer = None;
        assert_eq!(queued.check_conns(), Err("all but open connections have a deadline"));
    }
    #[test]
    fn a_name_that_leads_elsewhere_is_found() {
        let mut hub = hub();
        let user = hub.add_user(Name::new("alice").expect("a name"));
        assert_eq!(hub.check_name(user, &hub.topics[user]), Ok(()));
        let everyone = &hub.topics[hub.everyone];
        assert_eq!(hub.check_name(user, everyone), Err("a second topic of everybody"));
        hub.users.remove("alice", user);
        assert_eq!(hub.check_name(user, &hub.topics[user]), Err("a name that is not found"));
    }
}
