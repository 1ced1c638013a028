//! What a connection reads next.

use core::mem;

use super::Hub;
use crate::{
    ConnId, Frame, Payload, SlowReader,
    conn::{Answer, Cursor, Membership, State, Wakefulness},
    marks::Mark,
};

impl<P: Payload> Hub<P> {
    pub(super) fn next_frame(&mut self, conn: ConnId) -> Option<Frame<P>> {
        if !self.conns.contains_key(conn) {
            self.stats.stale += 1;
            return None;
        }
        if self.is_overtaken(conn) {
            self.mark(Mark::AskedWhileOvertaken);
            self.conns[conn].wake = Wakefulness::Idle;
            return None;
        }
        if mem::take(&mut self.conns[conn].watch.ping) {
            self.stats.pings += 1;
            return Some(Frame::Ping);
        }
        match self.next_source(conn) {
            Some(Source::Lost) => Some(self.skip_lost(conn)),
            Some(Source::Gap(index)) => Some(self.skip_gap(conn, index)),
            Some(Source::Reply) => self.take_reply(conn),
            Some(Source::Cursor(index)) => self.read(conn, index),
            None => self.take_close(conn),
        }
    }

    /// Whether the connection is to be closed because it is a slow reader. The walk that comes with
    /// the message that overtook it is on its way to do so.
    pub(super) fn is_overtaken(&self, conn: ConnId) -> bool {
        let conn = &self.conns[conn];
        let behind = |cursor: &Cursor| {
            matches!(cursor.membership, Membership::Member { .. })
                && cursor.next < self.topics[cursor.topic].first()
        };
        self.config.slow_reader == SlowReader::Close && conn.cursors.iter().any(behind)
    }

    /// Ends the cursors that have nothing left to read because it all had to make room.
    fn skip_lost(&mut self, conn: ConnId) -> Frame<P> {
        self.mark(Mark::GapWithNothingLeft);
        let mut missed = 0;
        let mut index = 0;
        while let Some(&cursor) = self.conns[conn].cursors.get(index) {
            let topic = &self.topics[cursor.topic];
            let until = cursor.until(topic.end());
            if cursor.next < until && until <= topic.first() {
                missed = u64::saturating_add(missed, until - cursor.next);
                self.conns[conn].cursors.swap_remove(index);
                self.release(cursor);
            } else {
                index += 1;
            }
        }
        self.gap(missed)
    }

    /// Moves a cursor that has been overtaken to the oldest message that is left.
    fn skip_gap(&mut self, conn: ConnId, index: usize) -> Frame<P> {
        self.mark(Mark::Gap);
        let cursor = &mut self.conns[conn].cursors[index];
        let first = self.topics[cursor.topic].first();
        let missed = first - cursor.next;
        cursor.next = first;
        self.gap(missed)
    }

    fn gap(&mut self, missed: u64) -> Frame<P> {
        self.stats.missed = self.stats.missed.saturating_add(missed);
        Frame::Gap { missed }
    }

    /// Where the next frame in the hub's order is.
    fn next_source(&self, conn: ConnId) -> Option<Source> {
        let conn = &self.conns[conn];
        let mut next = conn.replies.front().map(|reply| (reply.seq, Source::Reply));
        for (index, cursor) in conn.cursors.iter().enumerate() {
            let topic = &self.topics[cursor.topic];
            let until = cursor.until(topic.end());
            let oldest = cursor.next.max(topic.first());
            let (seq, source) = match topic.seq_at(oldest) {
                _ if cursor.next >= until => continue,
                Some(seq) if cursor.next == oldest => (seq, Source::Cursor(index)),
                Some(seq) if oldest < until => (seq, Source::Gap(index)),
                // Nothing is left to say where in the order it was.
                _ => (0, Source::Lost),
            };
            if next.is_none_or(|(least, _)| seq < least) {
                next = Some((seq, source));
            }
        }
        next.map(|(_, source)| source)
    }

    fn take_reply(&mut self, conn: ConnId) -> Option<Frame<P>> {
        let replies = &mut self.conns[conn].replies;
        let reply = replies.pop_front()?;
        if replies.is_empty() {
            // An idle connection keeps no buffer.
            *replies = Default::default();
        }
        Some(match reply.answer {
            Answer::LoggedIn(uid) => Frame::LoggedIn { uid },
            Answer::Problem(problem) => Frame::Problem(problem),
        })
    }

    fn read(&mut self, conn: ConnId, index: usize) -> Option<Frame<P>> {
        let Cursor { topic, next, membership } = self.conns[conn].cursors[index];
        if matches!(membership, Membership::Left { .. }) {
            self.mark(Mark::ReadAfterLeaving);
        }
        let (seq, payload) = self.with_topic(topic, |topic| topic.read(next))?;
        self.stats.delivered += 1;
        let size = payload.size() as u64;
        self.stats.delivered_bytes = self.stats.delivered_bytes.saturating_add(size);
        self.conns[conn].cursors[index].next += 1;
        if self.conns[conn].cursors[index].is_done() {
            let cursor = self.conns[conn].cursors.swap_remove(index);
            self.release(cursor);
        }
        Some(Frame::Message { seq, payload })
    }

    /// All is read: say goodbye if it is time to, or go to sleep.
    fn take_close(&mut self, conn: ConnId) -> Option<Frame<P>> {
        let conn = &mut self.conns[conn];
        if let State::Closing { .. } = conn.state
            && let State::Closing { reason } = mem::replace(&mut conn.state, State::Closed)
        {
            return Some(Frame::Close(reason));
        }
        conn.wake = Wakefulness::Idle;
        None
    }
}

#[derive(Clone, Copy)]
enum Source {
    /// Messages are missing, and none is left where they were.
    Lost,
    Reply,
    /// Messages are missing before the one that this cursor comes to.
    Gap(usize),
    Cursor(usize),
}
