//! What other systems may do with the hub of an [`Exchange`].

use std::time::Duration;

use switchboard_core::{Deadline, Instant, Kick, Name, Problem, Session, Target};

use super::{Exchange, Signal};
use crate::{
    api::{Control, Report},
    wire::Text,
};

/// How long there may be something to do that the driver does not do.
const PATIENCE: Duration = Duration::from_secs(5);

impl<S: Signal> Control for Exchange<S> {
    fn push(&self, to: Target<'_>, message: Text) -> Result<usize, Problem> {
        self.act(|shared, now| shared.hub.push(now, to, message))
    }

    fn kick(&self, uid: Name<'_>, kick: &Kick) -> usize {
        self.act(|shared, now| shared.hub.kick(now, uid, kick))
    }

    fn users(&self, after: Option<&str>, limit: usize) -> Vec<(String, usize)> {
        let shared = self.lock();
        let users = shared.hub.users(after).take(limit);
        users.map(|user| (user.uid.to_owned(), user.connections)).collect()
    }

    fn sessions(&self, uid: Name<'_>) -> (Vec<Session>, Instant) {
        let mut sessions: Vec<_> = self.lock().hub.sessions(uid).collect();
        sessions.sort_by_key(|session| session.generation);
        (sessions, self.now())
    }

    fn report(&self) -> Report {
        let report = {
            let mut shared = self.lock();
            let now = self.now();
            // What the driver is asked now, it must have done when it is looked at again.
            let due = self.call_driver(&mut shared, now);
            Report {
                stats: shared.hub.stats(),
                now,
                is_lively: is_lively(now, due, shared.hub.poll_timeout()),
                is_stopping: shared.stopping,
                max_connections: shared.hub.config().max_connections,
            }
        };
        (self.doorbell)();
        report
    }
}

/// Whether the driver does what it has to, which was asked of it at `asked`, and sees to deadlines.
fn is_lively(now: Instant, asked: Instant, next: Option<Deadline>) -> bool {
    let due = next.map_or(asked, |deadline| deadline.at.min(asked));
    now.saturating_since(due) < PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, exchange::Next};

    #[derive(Clone)]
    struct Nobody;

    impl Signal for Nobody {
        fn ready(&self) {}
        fn cut(&self) {}
    }

    #[test]
    fn a_driver_is_given_some_seconds() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let deadline = |seconds| {
            let why = switchboard_core::TimeoutReason::Login;
            Some(Deadline { at: at(seconds), why })
        };
        assert!(is_lively(at(10), at(10), None));
        assert!(is_lively(at(10), at(6), deadline(20)));
        assert!(!is_lively(at(10), at(5), deadline(20)));
        assert!(is_lively(at(10), at(10), deadline(6)));
        assert!(!is_lively(at(10), at(10), deadline(5)));
    }

    #[test]
    fn what_the_driver_was_asked_is_noted_until_it_is_done() {
        let exchange = Exchange::<Nobody>::new(&Settings::default(), || {});
        let asked = |exchange: &Exchange<Nobody>| exchange.lock().driver_due;
        assert_eq!(asked(&exchange), None);
        assert!(exchange.report().is_lively);
        let first = asked(&exchange);
        assert!(first.is_some());
        assert!(exchange.report().is_lively);
        assert_eq!(asked(&exchange), first);
        assert_eq!(exchange.drive(), Next::Wait(None));
        assert_eq!(asked(&exchange), None);
    }
}
