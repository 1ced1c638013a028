//! Requests that may come twice and count once: the `Idempotency-Key` header
//! (draft-ietf-httpapi-idempotency-key-header).

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use ring::digest::{self, SHA256};
use switchboard_core::Instant;

/// How long an answer is kept for a repetition.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// Answers that are kept at most, and bytes of them; the oldest make room for new ones.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 16 << 20;

/// The most bytes of a key.
pub(super) const MAX_KEY: usize = 255;

/// What was answered, by the keys of the requests.
#[derive(Debug, Default)]
pub(super) struct Answered {
    answers: BTreeMap<Bytes, Answer>,
    /// In the order in which they came.
    keys: VecDeque<(Instant, Bytes)>,
    bytes: usize,
}

#[derive(Debug)]
struct Answer {
    request: [u8; 32],
    body: Bytes,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing.
    New,
    /// It came with the same request, which was answered with this.
    Repeated(Bytes),
    /// It came with another request.
    Conflict,
}

impl Answered {
    /// What is known of a key that comes with this request.
    pub(super) fn find(&mut self, now: Instant, key: &[u8], request: &[u8]) -> Known {
        while self.keys.front().is_some_and(|(at, _)| *at + KEPT_FOR <= now) {
            self.forget_oldest();
        }
        match self.answers.get(key) {
            None => Known::New,
            Some(answer) if answer.request == hash(request) => Known::Repeated(answer.body.clone()),
            Some(_) => Known::Conflict,
        }
    }

    /// Keeps the answer to a request whose key was [new](Known::New).
    pub(super) fn keep(&mut self, now: Instant, key: &[u8], request: &[u8], body: &Bytes) {
        let key = Bytes::copy_from_slice(key);
        let answer = Answer { request: hash(request), body: body.clone() };
        if self.answers.insert(key.clone(), answer).is_none() {
            self.bytes += key.len() + body.len();
            self.keys.push_back((now, key));
        }
        while self.answers.len() > MOST || self.bytes > MOST_BYTES {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.keys.pop_front()
            && let Some(answer) = self.answers.remove(&key)
        {
            self.bytes -= key.len() + answer.body.len();
        }
    }
}

fn hash(request: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&SHA256, request).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn an_answer_is_repeated_to_the_same_request_for_ten_minutes() {
        let mut answered = Answered::default();
        assert_eq!(answered.find(at(0), b"key", b"hello"), Known::New);
        answered.keep(at(0), b"key", b"hello", &Bytes::from("1"));
        assert_eq!(answered.find(at(1), b"key", b"hello"), Known::Repeated("1".into()));
        assert_eq!(answered.find(at(1), b"key", b"other"), Known::Conflict);
        assert_eq!(answered.find(at(1), b"kez", b"hello"), Known::New);
        assert_eq!(answered.find(at(599), b"key", b"hello"), Known::Repeated("1".into()));
        assert_eq!(answered.find(at(600), b"key", b"hello"), Known::New);
        assert_eq!((answered.bytes, answered.keys.len()), (0, 0));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut answered = Answered::default();
        for key in 0..=MOST {
            answered.keep(at(0), key.to_string().as_bytes(), b"", &Bytes::from("answer"));
        }
        assert_eq!(answered.answers.len(), MOST);
        assert_eq!(answered.find(at(0), b"0", b""), Known::New);
        assert_ne!(answered.find(at(0), b"1", b""), Known::New);
        let large = Bytes::from(vec![0; MOST_BYTES / 2]);
        for key in ["a", "b"] {
            answered.keep(at(0), key.as_bytes(), b"", &large);
            assert!(answered.bytes <= MOST_BYTES);
        }
        assert_eq!(answered.find(at(0), b"a", b""), Known::New);
        assert_eq!(answered.find(at(0), b"b", b""), Known::Repeated(large));
    }
}
