//! What a run has come upon: a rare path that no world has taken is not tested.

use std::collections::BTreeMap;

use switchboard_core::{Closes, Mark, Marks};

/// The end of a connection whose adapter feeds it more than it has credit for. This one does not.
const NOT_REACHED: &str = "replies_unread";

/// Counts by what was come upon.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    hub: Marks,
    ends: BTreeMap<&'static str, u64>,
    moments: [u64; Moment::ALL.len()],
}

/// What happens between the adapter, the network and the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Full,
    TooManyFromAddress,
    RefusedInShutdown,
    OlderFirst,
    NewerFirst,
    NoCredit,
    ToldWithFullSocket,
    UnreadInSocket,
    LateVerdict,
    ClockSetBack,
    Slept,
    Settled,
}

impl Moment {
    const ALL: [Self; 12] = [
        Self::Full,
        Self::TooManyFromAddress,
        Self::RefusedInShutdown,
        Self::OlderFirst,
        Self::NewerFirst,
        Self::NoCredit,
        Self::ToldWithFullSocket,
        Self::UnreadInSocket,
        Self::LateVerdict,
        Self::ClockSetBack,
        Self::Slept,
        Self::Settled,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Full => "a connection refused because there are too many",
            Self::TooManyFromAddress => "a connection refused because of its address",
            Self::RefusedInShutdown => "a connection refused in a shutdown",
            Self::OlderFirst => "a takeover after which the older connection ends first",
            Self::NewerFirst => "a takeover after which the newer connection ends first",
            Self::NoCredit => "a request that waits for credit",
            Self::ToldWithFullSocket => "a connection told while its socket is full",
            Self::UnreadInSocket => "a connection that breaks with frames on the way",
            Self::LateVerdict => "a verdict for a connection that has ended",
            Self::ClockSetBack => "a clock that is set back",
            Self::Slept => "a machine that sleeps",
            Self::Settled => "a client owed nothing in the end",
        }
    }
}

impl Reached {
    pub(crate) fn count(&mut self, moment: Moment) {
        self.moments[moment as usize] += 1;
    }

    pub(crate) fn note(
        &mut self,
        marks: &Marks,
        closes: impl Iterator<Item = (&'static str, u64)>,
    ) {
        self.hub.add(marks);
        for (end, count) in closes {
            *self.ends.entry(end).or_default() += count;
        }
    }

    /// Adds up.
    pub fn add(&mut self, other: &Self) {
        self.hub.add(&other.hub);
        for (end, count) in &other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        for (count, other) in self.moments.iter_mut().zip(other.moments) {
            *count += other;
        }
    }

    /// Each path in words, and how often it was taken.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let marks = self.hub.iter().map(|(mark, count): (Mark, u64)| (mark.label(), count));
        let none = Closes::default();
        let ends: Vec<_> =
            none.iter().map(|(end, _)| end).filter(|end| *end != NOT_REACHED).collect();
        let ends = ends.into_iter().map(|end| (end, self.ends.get(end).copied().unwrap_or(0)));
        let moments = Moment::ALL.iter().map(|moment| moment.label()).zip(self.moments);
        marks.chain(moments).chain(ends)
    }

    /// The paths that were never taken.
    pub fn missing(&self) -> Vec<&'static str> {
        self.iter().filter(|(_, count)| *count == 0).map(|(label, _)| label).collect()
    }
}
