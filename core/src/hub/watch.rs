//! Who is alive, and what becomes of those who are not.

use super::Hub;
use crate::{
    ConnId, Payload,
    rate::Level,
    watch::{Life, Watch},
};

impl<P: Payload> Hub<P> {
    /// Takes a sign of life.
    pub(super) fn heard(&mut self, conn: ConnId, size: usize) {
        let Some(heard) = self.conns.get_mut(conn) else {
            self.stats.stale += 1;
            return;
        };
        heard.watch.hear(self.now);
        if let Some((Level::FarOver, _)) = self.charge(conn, size) {
            self.close_too_fast(conn);
        }
    }

    /// From its login on, a connection has to be heard and to read.
    pub(super) fn start_watch(&mut self, conn: ConnId) {
        let ping_after = self.config.ping_after(conn);
        self.conns[conn].watch = Watch::new(self.now, ping_after, self.config.stall_timeout);
        self.set_watch_timer(conn);
    }

    pub(super) fn look_for_life(&mut self, conn: ConnId) {
        let (Some(heartbeat), Some(ping_after)) =
            (self.config.heartbeat, self.config.ping_after(conn))
        else {
            return;
        };
        match self.conns[conn].watch.look_for_life(self.now, heartbeat, ping_after) {
            Life::Heard => {}
            Life::Pinged => self.wake(conn),
            Life::Silent => return self.close_silent(conn),
        }
        self.set_watch_timer(conn);
    }

    pub(super) fn look_for_progress(&mut self, conn: ConnId) {
        let Some(stall_timeout) = self.config.stall_timeout else { return };
        let is_behind = self.is_behind(conn);
        if self.conns[conn].watch.look_for_progress(self.now, stall_timeout, is_behind) {
            self.set_watch_timer(conn);
        } else {
            self.close_too_slow(conn);
        }
    }

    /// Whether an open connection has something to pull.
    fn is_behind(&self, conn: ConnId) -> bool {
        let conn = &self.conns[conn];
        let mut cursors = conn.cursors.iter();
        conn.watch.ping
            || !conn.replies.is_empty()
            || cursors.any(|cursor| cursor.next < cursor.until(self.topics[cursor.topic].end()))
    }

    fn set_watch_timer(&mut self, conn: ConnId) {
        match self.conns[conn].watch.next() {
            Some((at, why)) => self.set_timer(conn, at, why),
            None => self.conns[conn].timer = None,
        }
    }
}
