//! Who checks credentials is asked here, and heard.

use super::Hub;
use crate::{ConnId, Output, Payload, Problem, Ticket, Verdict, conn::State, marks::Mark};

impl<P: Payload> Hub<P> {
    /// Has a credential checked. Until the verdict the connection is not read; its login time goes
    /// on.
    pub(super) fn check(&mut self, conn: ConnId, credential: P) {
        self.checks += 1;
        let ticket = Ticket { conn, number: self.checks };
        self.conns[conn].state = State::Checking { ticket: ticket.number };
        self.outputs.push_back(Output::Check { ticket, conn, credential });
    }

    pub(super) fn verdict(&mut self, ticket: Ticket, verdict: Verdict<'_>) {
        let Ticket { conn, number } = ticket;
        let state = self.conns.get(conn).map(|conn| &conn.state);
        if state != Some(&State::Checking { ticket: number }) {
            self.mark(Mark::VerdictTooLate);
            self.stats.stale += 1;
            return;
        }
        self.conns[conn].state = State::Credential;
        match verdict {
            Verdict::Accepted(uid) => self.log_in(conn, uid),
            Verdict::Denied(denial) => self.refuse(conn, Problem::Denied(denial)),
        }
    }
}
