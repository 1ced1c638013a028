//! Which of a sender's answers is about which message: they come in the order of its requests.

use alloc::collections::{BTreeMap, VecDeque};

use switchboard_core::{ConnId, Hub, Payload, Problem, Stage};

/// For each sender, the messages whose answers it has not read.
#[derive(Debug, Default)]
pub(super) struct Answers(BTreeMap<ConnId, Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Answers that it has read since it waits.
    read: usize,
    /// Messages, and which answer is theirs, if that is known.
    messages: VecDeque<(Option<usize>, usize)>,
}

impl Answers {
    /// The hub has just refused a message of this sender's.
    pub(super) fn expect<P: Payload>(&mut self, hub: &Hub<P>, from: ConnId, message: usize) {
        let before = hub.config().max_replies.saturating_sub(hub.credit(from));
        let waiting = match hub.stage(from) {
            // It is closed without an answer.
            Stage::Closing => return,
            // Its credit does not tell how many it has to read.
            Stage::Credential => None,
            Stage::Login | Stage::Open => Some(before),
        };
        let sender = self.0.entry(from).or_default();
        let which = waiting.map(|waiting| sender.read + waiting);
        sender.messages.push_back((which, message));
    }

    /// A connection reads an answer, which is a refusal or not. Returns the message that it is about.
    pub(super) fn read(&mut self, conn: ConnId, problem: Option<&Problem>) -> Option<usize> {
        let sender = self.0.get_mut(&conn)?;
        sender.read += 1;
        let (which, message) = *sender.messages.front()?;
        let is_its = match which {
            Some(which) => which <= sender.read,
            // Others that say so would say the same of it.
            None => matches!(problem, Some(Problem::NotLoggedIn | Problem::TooFast { .. })),
        };
        if !is_its {
            return None;
        }
        sender.messages.pop_front();
        if sender.messages.is_empty() {
            self.forget(conn);
        }
        problem.map(|_| message)
    }

    /// It reads nothing more.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.0.remove(&conn);
    }
}
