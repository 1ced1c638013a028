//! What the messages say: enough for whoever receives one to measure it.
//!
//! A stamp of fixed size, in hexadecimal digits, and then padding. There is no colon in it, because
//! some servers cut a message at its second one.

/// The bytes of a stamp: run, kind, number, due.
pub(super) const STAMP: usize = RUN + 1 + SEQ + DUE;
const RUN: usize = 8;
const SEQ: usize = 10;
const DUE: usize = 13;

/// More messages than this have no number.
pub(super) const MAX_COUNT: u64 = 1 << 39;

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unicast,
    Broadcast,
}

/// What a message tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) kind: Kind,
    /// Whether it counts.
    pub(super) is_measured: bool,
    pub(super) seq: u64,
    /// When it was due, by the [`Clock`](super::clock::Clock).
    pub(super) due: u64,
}

impl Stamp {
    /// Writes it as the beginning of a message of the run `run`.
    pub(super) fn write(self, run: u32, out: &mut Vec<u8>) {
        hex::<RUN>(run.into(), out);
        out.push(match (self.kind, self.is_measured) {
            (Kind::Unicast, true) => b'u',
            (Kind::Unicast, false) => b'v',
            (Kind::Broadcast, true) => b'a',
            (Kind::Broadcast, false) => b'b',
        });
        hex::<SEQ>(self.seq, out);
        hex::<DUE>(self.due, out);
    }

    /// Reads it from a message, unless that is none of the run's.
    pub(super) fn read(run: u32, message: &[u8]) -> Option<Self> {
        let stamp: &[u8; STAMP] = message.first_chunk()?;
        if number(&stamp[..RUN])? != u64::from(run) {
            return None;
        }
        let (kind, is_measured) = match stamp[RUN] {
            b'u' => (Kind::Unicast, true),
            b'v' => (Kind::Unicast, false),
            b'a' => (Kind::Broadcast, true),
            b'b' => (Kind::Broadcast, false),
            _ => return None,
        };
        let (seq, due) = stamp[RUN + 1..].split_at(SEQ);
        Some(Self { kind, is_measured, seq: number(seq)?, due: number(due)? })
    }
}

fn hex<const DIGITS: usize>(number: u64, out: &mut Vec<u8>) {
    let digit = |place: usize| b"0123456789abcdef"[(number >> (4 * place)) as usize & 15];
    out.extend_from_slice(&std::array::from_fn::<u8, DIGITS, _>(|n| digit(DIGITS - 1 - n)));
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for kind in [Kind::Unicast, Kind::Broadcast] {
            for is_measured in [true, false] {
                let stamp = Stamp { kind, is_measured, seq: MAX_COUNT, due: 123_456_789_000_000 };
                let mut message = Vec::new();
                stamp.write(0xdead_beef, &mut message);
                assert_eq!(message.len(), STAMP);
                assert!(!message.contains(&b':'));
                message.push(b'x');
                assert_eq!(Stamp::read(0xdead_beef, &message), Some(stamp));
                assert_eq!(Stamp::read(0xdead_beee, &message), None);
                assert_eq!(Stamp::read(0xdead_beef, &message[..STAMP - 1]), None);
                message[RUN + 3] = b':';
                assert_eq!(Stamp::read(0xdead_beef, &message), None);
            }
        }
        assert_eq!(Stamp::read(0, b"error: nobody is not online, I am sorry"), None);
    }
}
