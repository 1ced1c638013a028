//! Rare paths, counted when the hub is tested, so that a test can tell whether it has taken them.

#![cfg_attr(
    not(any(test, feature = "testing")),
    expect(dead_code, unreachable_pub, reason = "nobody counts")
)]

/// A path that is seldom taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the labels say what they are")]
pub enum Mark {
    Gap,
    GapWithNothingLeft,
    ClosedByWalk,
    AskedWhileOvertaken,
    PostDuringWalk,
    JoinDuringWalk,
    LeaveDuringWalk,
    VisitedThoughTold,
    SlotReused,
    StaleTimer,
    DroppedUnclosed,
    ReadAfterLeaving,
    KeptForWhoLeft,
    VerdictTooLate,
    LoginDuringShutdown,
    EarlierShutdown,
}

impl Mark {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Gap,
        Self::GapWithNothingLeft,
        Self::ClosedByWalk,
        Self::AskedWhileOvertaken,
        Self::PostDuringWalk,
        Self::JoinDuringWalk,
        Self::LeaveDuringWalk,
        Self::VisitedThoughTold,
        Self::SlotReused,
        Self::StaleTimer,
        Self::DroppedUnclosed,
        Self::ReadAfterLeaving,
        Self::KeptForWhoLeft,
        Self::VerdictTooLate,
        Self::LoginDuringShutdown,
        Self::EarlierShutdown,
    ];

    /// What it is, in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Gap => "a gap before the oldest message that is left",
            Self::GapWithNothingLeft => "a gap with nothing left behind it",
            Self::ClosedByWalk => "a slow reader found by the walk that tells of the next message",
            Self::AskedWhileOvertaken => "a slow reader that pulls before that walk has come to it",
            Self::PostDuringWalk => "a message while a walk for an earlier one is under way",
            Self::JoinDuringWalk => "a new member while a walk is under way",
            Self::LeaveDuringWalk => "a member that leaves while a walk is under way",
            Self::VisitedThoughTold => "a walk over so many who know that it tells one again",
            Self::SlotReused => "a connection in the slot of one that has ended",
            Self::StaleTimer => "a deadline that comes up and no longer counts",
            Self::DroppedUnclosed => "a connection dropped because it did not close its side",
            Self::ReadAfterLeaving => "a message read by who has left its topic",
            Self::KeptForWhoLeft => "a topic without members, kept for who has yet to read",
            Self::VerdictTooLate => "a verdict that nobody waits for any more",
            Self::LoginDuringShutdown => "a login in the course of a shutdown",
            Self::EarlierShutdown => "a shutdown brought forward",
        }
    }
}

/// How often each path was taken.
#[derive(Clone, Debug, Default)]
pub struct Marks([u64; Mark::ALL.len()]);

impl Marks {
    pub(crate) fn count(&mut self, mark: Mark) {
        self.0[mark as usize] += 1;
    }

    /// Each path, and how often it was taken.
    pub fn iter(&self) -> impl Iterator<Item = (Mark, u64)> + '_ {
        Mark::ALL.into_iter().zip(self.0.iter().copied())
    }

    /// Adds up.
    pub fn add(&mut self, others: &Self) {
        for (count, other) in self.0.iter_mut().zip(others.0) {
            *count += other;
        }
    }
}
