//! Who sends what to whom, and when. Drawn from a seed, without a state that threads would share.

use super::message::Kind;

/// What is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) users: usize,
    /// Each has every so manieth user and message.
    pub(super) threads: usize,
    pub(super) seed: u64,
    /// Which part of the messages is for everybody.
    pub(super) share: f64,
    pub(super) pace: Pace,
    pub(super) length: Length,
    /// Nanoseconds.
    pub(super) warmup: u64,
}

/// When the next message is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// When one has arrived; so many are on the way.
    InFlight(usize),
    /// At its time; so many are due in a second.
    Rate(f64),
}

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    /// Nanoseconds.
    Time(u64),
    Messages(u64),
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) sender: usize,
    /// Of no meaning if it is for everybody.
    pub(super) recipient: usize,
    pub(super) kind: Kind,
}

impl Plan {
    /// How many users a thread has.
    pub(super) fn users_of(&self, thread: usize) -> usize {
        share_of(self.users, thread, self.threads)
    }

    /// The number that the message `index` of a thread has among all.
    pub(super) fn seq(&self, thread: usize, index: u64) -> u64 {
        index * self.threads as u64 + thread as u64
    }

    /// A message. Its sender belongs to the thread that its number belongs to.
    pub(super) fn draft(&self, seq: u64) -> Draft {
        let thread = (seq % self.threads as u64) as usize;
        let mut draw = SplitMix(self.seed ^ seq.wrapping_mul(0xd134_2543_de82_ef95));
        let sender = thread + self.threads * draw.below(self.users_of(thread));
        let others = self.users.saturating_sub(1).max(1);
        let recipient = (sender + 1 + draw.below(others)) % self.users;
        let is_broadcast = draw.fraction() < self.share;
        let kind = if is_broadcast { Kind::Broadcast } else { Kind::Unicast };
        Draft { sender, recipient, kind }
    }

    /// When a message is due at a rate, in nanoseconds from the start; `None` after the last.
    pub(super) fn due(&self, rate: f64, seq: u64) -> Option<u64> {
        let due = (seq as f64 / rate * 1e9) as u64;
        let is_over = match self.length {
            Length::Time(time) => due >= self.warmup + time,
            Length::Messages(count) => seq >= self.warmup_messages(rate) + count,
        };
        (!is_over).then_some(due)
    }

    /// How many are due before it counts.
    fn warmup_messages(&self, rate: f64) -> u64 {
        // Not by rounding: what `due` says is what counts.
        let mut count = (self.warmup as f64 / 1e9 * rate) as u64;
        while ((count as f64 / rate * 1e9) as u64) < self.warmup {
            count += 1;
        }
        count
    }
}

/// The share of one thread, if as many as there are threads divide something.
pub(super) fn share_of(total: usize, thread: usize, threads: usize) -> usize {
    total / threads + usize::from(thread < total % threads)
}

/// A generator of numbers (Steele, Lea and Flood, 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// From 0 to below 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn plan(users: usize, threads: usize, share: f64, length: Length) -> Plan {
        let pace = Pace::InFlight(1);
        Plan { users, threads, seed: 7, share, pace, length, warmup: SECOND }
    }

    #[test]
    fn everybody_sends_to_everybody_else_from_their_own_threads() {
        for (users, threads) in [(1, 1), (2, 1), (7, 3), (3, 3)] {
            let plan = plan(users, threads, 0.0, Length::Messages(1));
            let mut seen = vec![0; users * users];
            for seq in 0..3000 {
                let draft = plan.draft(seq);
                assert_eq!(draft.sender % threads, seq as usize % threads);
                assert_eq!(draft.kind, Kind::Unicast);
                seen[draft.sender * users + draft.recipient] += 1;
            }
            for (pair, times) in seen.iter().enumerate() {
                let is_oneself = pair / users == pair % users;
                assert_eq!(*times > 0, !is_oneself || users == 1, "{pair} of {users} users");
            }
            assert_eq!((0..threads).map(|t| plan.users_of(t)).sum::<usize>(), users);
        }
    }

    #[test]
    fn as_many_broadcasts_as_asked_for() {
        for (share, from, to) in [(0.0, 0, 0), (1.0, 10_000, 10_000), (0.01, 60, 150)] {
            let plan = plan(10, 2, share, Length::Messages(1));
            let broadcasts = (0..10_000).filter(|seq| plan.draft(*seq).kind == Kind::Broadcast);
            let count = broadcasts.count();
            assert!((from..=to).contains(&count), "{count}");
        }
    }

    #[test]
    fn at_a_rate_each_message_has_its_time() {
        let timed = plan(1, 1, 0.0, Length::Time(SECOND / 2));
        let due: Vec<_> = (0..).map_while(|seq| timed.due(4.0, seq)).collect();
        assert_eq!(due, [0, 1, 2, 3, 4, 5].map(|quarter| quarter * SECOND / 4));
        for rate in [0.7, 3.0, 1000.0, 999_983.0] {
            let counted = plan(1, 1, 0.0, Length::Messages(5));
            let due = (0..).map_while(|seq| counted.due(rate, seq));
            assert_eq!(due.filter(|due| *due >= SECOND).count(), 5, "{rate}");
        }
    }

    #[test]
    fn the_threads_messages_are_all_messages() {
        let plan = plan(4, 3, 0.0, Length::Messages(1));
        let mut all: Vec<_> = (0..3).flat_map(|t| [0, 1].map(|index| plan.seq(t, index))).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    }
}
