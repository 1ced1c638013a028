//! What is carried from one connection to another.

use alloc::{string::String, sync::Arc, vec::Vec};

/// A message's content, which the hub stores once, hands out as clones and never looks into.
///
/// A clone is made for each recipient, so it should cost no more than a reference count.
pub trait Payload: Clone {
    /// Its size in bytes: what it counts against a [ring's limit](crate::RingLimit).
    fn size(&self) -> usize;
}

impl Payload for &str {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Payload for Arc<str> {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Payload for Arc<[u8]> {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Payload for String {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Payload for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_counts_its_bytes() {
        let text = "für";
        assert_eq!([text.size(), String::from(text).size(), Arc::<str>::from(text).size()], [4; 3]);
        let bytes = text.as_bytes();
        assert_eq!([bytes.to_vec().size(), Arc::<[u8]>::from(bytes).size()], [4; 2]);
    }
}
