//! How many have yet to read each message, counted anew.

use alloc::vec::Vec;

/// For each message of a topic, the cursors that have yet to pass it. A cursor is added in constant
/// time, however much it has to read.
pub(crate) struct Unread {
    first: u64,
    /// Cursors whose next message this is, less those that end before it.
    changes: Vec<isize>,
}

impl Unread {
    /// Of the messages from position `first` to before `end`.
    pub(crate) fn new(first: u64, end: u64) -> Self {
        let messages = usize::try_from(end - first).expect("a ring's length fits usize");
        Self { first, changes: alloc::vec![0; messages] }
    }

    /// Adds a cursor that has yet to read what is kept between `next` and `until`.
    pub(crate) fn add(&mut self, next: u64, until: u64) {
        let index = |position: u64| usize::try_from(position.saturating_sub(self.first)).ok();
        let (next, until) = (index(next), index(until));
        if next >= until {
            return;
        }
        if let Some(change) = next.and_then(|next| self.changes.get_mut(next)) {
            *change += 1;
        }
        if let Some(change) = until.and_then(|until| self.changes.get_mut(until)) {
            *change -= 1;
        }
    }

    /// The count of each message, oldest first.
    pub(crate) fn counts(&self) -> impl Iterator<Item = usize> {
        self.changes.iter().scan(0_isize, |sum, change| {
            *sum += change;
            usize::try_from(*sum).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_the_cursors_that_come_to_it() {
        let mut unread = Unread::new(10, 14);
        for (next, until) in [(10, 14), (12, 14), (3, 11), (14, 14), (2, 5), (11, 13), (9, 90)] {
            unread.add(next, until);
        }
        assert_eq!(unread.counts().collect::<Vec<_>>(), [3, 3, 4, 3]);
        assert_eq!(Unread::new(7, 7).counts().count(), 0);
    }
}
