//! What other systems than clients ask for, and what they may know.

use smallvec::SmallVec;

use super::Hub;
use crate::{
    CloseReason, ConnId, Kick, Name, Payload, Problem, Session, Target, TimeoutReason, User,
    conn::State, time::Instant,
};

impl<P: Payload> Hub<P> {
    /// Takes a message from another system; the same as [`Input::Push`](crate::Input::Push), and
    /// tells how many connections it is for.
    ///
    /// # Errors
    /// Nobody gets it.
    pub fn push(&mut self, now: Instant, to: Target<'_>, payload: P) -> Result<usize, Problem> {
        self.advance(now);
        let taken = self.take_push(to, payload);
        self.prune_timers();
        taken
    }

    /// Closes everybody who is logged in with this uid, the oldest login first; the same as
    /// [`Input::Kick`](crate::Input::Kick), and tells how many those are.
    pub fn kick(&mut self, now: Instant, uid: Name<'_>, kick: &Kick) -> usize {
        self.advance(now);
        let kicked = self.kick_all(uid, kick);
        self.prune_timers();
        kicked
    }

    /// Who is online, in the order of the uids' bytes: those that come after this one, or all. Who
    /// is online all the while is met exactly once, page by page, if the next page starts after the
    /// last uid of this one.
    pub fn users(&self, after: Option<&str>) -> impl Iterator<Item = User<'_>> {
        self.online.after(after).map(|(uid, user)| {
            let connections = self.topics[user].members().len();
            User { uid, connections }
        })
    }

    /// The connections that are logged in with this uid, in no particular order.
    pub fn sessions(&self, uid: Name<'_>) -> impl Iterator<Item = Session> {
        let user = self.find_user(uid);
        let members = user.map_or(&[][..], |user| self.topics[user].members());
        members.iter().map(|&id| {
            let conn = &self.conns[id];
            let heard = conn.watch.heard();
            Session { conn: id, generation: conn.generation, since: conn.since, heard }
        })
    }

    pub(super) fn take_push(&mut self, to: Target<'_>, payload: P) -> Result<usize, Problem> {
        let size = payload.size() as u64;
        self.stats.received_bytes = self.stats.received_bytes.saturating_add(size);
        self.route(to, payload)
    }

    pub(super) fn kick_all(&mut self, uid: Name<'_>, kick: &Kick) -> usize {
        let Some(user) = self.find_user(uid) else { return 0 };
        let mut members: SmallVec<[ConnId; 4]> = self.topics[user].members().into();
        members.sort_unstable_by_key(|conn| self.conns[*conn].generation);
        for conn in &members {
            self.close_kicked(*conn, CloseReason::Kicked(kick.clone()));
        }
        members.len()
    }

    pub(super) fn called(&mut self, conn: ConnId) {
        match self.conns.get(conn).map(|conn| &conn.state) {
            None => self.stats.stale += 1,
            Some(State::Login | State::Credential) => {
                let until = self.now + self.config.login_timeout;
                self.set_timer(conn, until, TimeoutReason::Login);
            }
            Some(_) => {}
        }
    }
}
