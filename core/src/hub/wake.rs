//! Who is told that there is something to pull.

use super::Hub;
use crate::{ConnId, Output, Payload, SlowReader, conn::Wakefulness, marks::Mark, topic::TopicId};

/// An entry of the queue from which [`Output::Ready`] comes. Entries take turns, one step each, so
/// that a walk over everybody does not hold up a message to one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wake {
    /// One connection.
    Conn(ConnId),
    /// The members of a topic that something was posted to.
    Topic(TopicId),
    /// All connections, to be closed.
    Shutdown,
}

/// Members that a single call passes over because they have been told already. After as many, one
/// is told again: that does no harm, and no call takes long.
const PASS_OVER: usize = 64;

impl<P: Payload> Hub<P> {
    /// Has `conn` told, unless it has been and has yet to pull.
    pub(super) fn wake(&mut self, conn: ConnId) {
        let Some(woken) = self.conns.get_mut(conn) else { return };
        if woken.wake == Wakefulness::Idle {
            woken.wake = Wakefulness::Due;
            if !core::mem::replace(&mut woken.queued, true) {
                self.wakes.push_back(Wake::Conn(conn));
            }
        }
    }

    pub(super) fn start_walk(&mut self, topic: TopicId) {
        self.wakes.push_back(Wake::Topic(topic));
    }

    pub(super) fn next_output(&mut self) -> Option<Output<P>> {
        let mut passed_over = 0;
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            let told = match self.wakes.pop_front()? {
                Wake::Conn(conn) => self.tell(conn).then_some(conn),
                Wake::Topic(topic) => {
                    let visited = self.visit_next(topic);
                    let told = visited.filter(|&conn| self.is_to_be_told(conn, topic));
                    passed_over += 1;
                    if told.is_none() && visited.is_some() && passed_over >= PASS_OVER {
                        self.mark(Mark::VisitedThoughTold);
                        visited
                    } else {
                        told
                    }
                }
                Wake::Shutdown => {
                    if self.shut_down_next() {
                        self.wakes.push_back(Wake::Shutdown);
                    }
                    None
                }
            };
            if let Some(conn) = told {
                return Some(Output::Ready { conn });
            }
        }
    }

    /// The turn of a connection in the queue. It may have been pulled empty while it waited.
    fn tell(&mut self, conn: ConnId) -> bool {
        let Some(told) = self.conns.get_mut(conn) else { return false };
        told.queued = false;
        let due = told.wake == Wakefulness::Due;
        if due {
            told.wake = Wakefulness::Told;
        }
        due
    }

    fn visit_next(&mut self, topic: TopicId) -> Option<ConnId> {
        let (member, go_on) = self.topics.get_mut(topic)?.walk();
        if go_on {
            self.start_walk(topic);
        }
        member
    }

    /// Whether a member that the walk visits has something to pull and does not know it. Closes it
    /// if what it had to read is gone and such connections are to be closed.
    fn is_to_be_told(&mut self, conn: ConnId, topic: TopicId) -> bool {
        let (first, end) = (self.topics[topic].first(), self.topics[topic].end());
        let Some(cursor) = self.conns[conn].member_of(topic) else {
            return false;
        };
        let next = cursor.next;
        if next < first && self.config.slow_reader == SlowReader::Close {
            self.mark(Mark::ClosedByWalk);
            self.close_too_slow(conn);
            return false;
        }
        let wake = &mut self.conns[conn].wake;
        let to_be_told = next < end && *wake != Wakefulness::Told;
        if to_be_told {
            *wake = Wakefulness::Told;
        }
        to_be_told
    }
}
