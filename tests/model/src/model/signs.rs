//! Who is alive: judged by a log of what each connection did.

use std::time::Duration;

use super::*;

#[derive(Clone)]
pub(super) enum Sign {
    /// Something came from it.
    Heard(Instant),
    /// It was to be pinged.
    Pinged,
    /// It has pulled something.
    Pulled,
    /// It was looked at, when it had something to read or not.
    Looked { behind: bool },
}

impl Model {
    pub(super) fn hear(&mut self, id: ConnId) {
        let now = self.now;
        self.conn(id).signs.push(Sign::Heard(now));
    }

    /// Begins to look after a connection that has logged in.
    pub(super) fn watch(&mut self, id: ConnId) {
        self.conn(id).deadlines.clear();
        if let Some(period) = self.config.ping_after(id) {
            self.set_deadline(id, TimeoutReason::Ping, self.now + period);
        }
        self.set_stall_deadline(id);
    }

    pub(super) fn look_for_life(&mut self, id: ConnId) {
        let (heartbeat, period) = (self.config.heartbeat, self.config.ping_after(id));
        let signs = &self.conns[&id].signs;
        let last = |is: fn(&Sign) -> bool| signs.iter().rposition(is);
        let heard = last(|sign| matches!(sign, Sign::Heard(_)));
        let pinged = last(|sign| matches!(sign, Sign::Pinged));
        let was_pinged = self.conn(id).deadlines.remove(&TimeoutReason::Pong).is_some();
        if was_pinged && heard < pinged {
            return self.close(id, CloseReason::Silent);
        }
        let heard = self.conns[&id].signs.iter().rev().find_map(|sign| match sign {
            Sign::Heard(at) => Some(*at),
            _ => None,
        });
        let due = heard.expect("it has logged in") + period.expect("there is a heartbeat");
        if due > self.now {
            return self.set_deadline(id, TimeoutReason::Ping, due);
        }
        let timeout = heartbeat.expect("there is one").timeout;
        self.conn(id).deadlines.remove(&TimeoutReason::Ping);
        self.set_deadline(id, TimeoutReason::Pong, self.now + timeout);
        let conn = self.conn(id);
        conn.signs.push(Sign::Pinged);
        if !matches!(conn.unread.first(), Some(Unread::Ping)) {
            conn.unread.insert(0, Unread::Ping);
        }
    }

    pub(super) fn look_for_progress(&mut self, id: ConnId) {
        let signs = self.conns[&id].signs.iter().rev();
        let since = signs.take_while(|sign| !matches!(sign, Sign::Looked { .. }));
        let pulled = since.filter(|sign| matches!(sign, Sign::Pulled)).count() > 0;
        let was_behind = self.conns[&id].signs.iter().rev().find_map(|sign| match sign {
            Sign::Looked { behind } => Some(*behind),
            _ => None,
        });
        if was_behind == Some(true) && !pulled {
            return self.close(id, CloseReason::TooSlow);
        }
        let behind = self.has_to_read(id);
        self.conn(id).signs.push(Sign::Looked { behind });
        self.set_stall_deadline(id);
    }

    fn set_stall_deadline(&mut self, id: ConnId) {
        if let Some(stall) = self.config.stall_timeout {
            let at = self.now + stall.max(Duration::from_micros(1));
            self.set_deadline(id, TimeoutReason::Stall, at);
        }
    }

    /// One at the end of time never comes.
    fn set_deadline(&mut self, id: ConnId, why: TimeoutReason, at: Instant) {
        let deadlines = &mut self.conn(id).deadlines;
        if at == Instant::ZERO + Duration::MAX {
            deadlines.remove(&why);
        } else {
            deadlines.insert(why, at);
        }
    }
}
