//! What other systems than clients ask for, and what they may know.

use switchboard_core::{Fault, Kick};

use super::*;

impl Model {
    /// Takes a message from outside. Returns how many it is for.
    ///
    /// # Errors
    /// Why it is for nobody.
    pub fn push(
        &mut self,
        now: Instant,
        to: Target<'static>,
        message: Message,
    ) -> Result<usize, Problem> {
        self.now = self.now.max(now);
        self.stats.received_bytes += message.size as u64;
        self.route(to, message)
    }

    /// Closes whoever is logged in with this uid. Returns how many those were.
    pub fn kick(&mut self, now: Instant, uid: &str, kick: &Kick) -> usize {
        self.now = self.now.max(now);
        let kicked = self.sessions(uid);
        for (id, ..) in &kicked {
            self.close(*id, CloseReason::Kicked(kick.clone()));
        }
        kicked.len()
    }

    pub(super) fn called(&mut self, id: ConnId) {
        let until = self.now + self.config.login_timeout;
        let conn = self.conn(id);
        if matches!(conn.life, Life::Login | Life::Credential) {
            conn.deadlines = [(TimeoutReason::Login, until)].into();
        }
    }

    /// Who is online, and with how many connections.
    pub fn users(&self) -> BTreeMap<&'static str, usize> {
        let mut users = BTreeMap::new();
        for conn in self.conns.values() {
            if let Life::Open(uid) = conn.life {
                *users.entry(uid).or_default() += 1;
            }
        }
        users
    }

    /// Who is logged in with this uid: which connection, the number of its login, when that was,
    /// and when it was heard last. In the order of their logins.
    pub fn sessions(&self, uid: &str) -> Vec<(ConnId, u64, Instant, Instant)> {
        let open = self
            .conns
            .iter()
            .filter(|(_, conn)| matches!(conn.life, Life::Open(other) if other == uid));
        let mut sessions: Vec<_> = open
            .map(|(id, conn)| {
                let mut heard = conn.signs.iter().filter_map(|sign| match sign {
                    Sign::Heard(at) => Some(*at),
                    _ => None,
                });
                let heard = heard.next_back().unwrap_or(conn.login.1).max(conn.login.1);
                (*id, conn.login.0, conn.login.1, heard)
            })
            .collect();
        sessions.sort_by_key(|(_, generation, ..)| *generation);
        sessions
    }

    /// How many were closed for each reason, as metrics name it.
    pub fn closed(&self) -> BTreeMap<&'static str, u64> {
        let mut closed = BTreeMap::new();
        for reason in &self.closed {
            let name = match reason {
                CloseReason::PeerClosed => "peer_closed",
                CloseReason::Disconnected => "disconnected",
                CloseReason::Replaced => "replaced",
                CloseReason::LoginTimeout => "login_timeout",
                CloseReason::TooSlow => "too_slow",
                CloseReason::Silent => "silent",
                CloseReason::RepliesUnread => "replies_unread",
                CloseReason::TooFast => "too_fast",
                CloseReason::TooManyFromAddress => "too_many_from_address",
                CloseReason::Fault(Fault::Protocol) => "protocol_error",
                CloseReason::Fault(Fault::Binary) => "binary",
                CloseReason::Fault(Fault::NotUtf8) => "not_utf8",
                CloseReason::Fault(Fault::TooLarge) => "too_large",
                CloseReason::Kicked(_) => "kicked",
                CloseReason::Shutdown => "shutdown",
                other => unreachable!("{other:?}"),
            };
            *closed.entry(name).or_default() += 1;
        }
        closed
    }
}
