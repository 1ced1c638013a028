//! From a name to its topic.

use core::hash::Hasher;

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

use crate::topic::TopicId;

/// A hash table of topics, keyed by name.
///
/// Clients choose the names, so the hash is keyed with the hub's seed: whoever does not know the
/// seed cannot make names collide. The table offers no iteration, whose order would depend on the
/// seed. It stores no names either: the topics have them, and the caller looks there.
pub(crate) struct NameIndex {
    topics: HashTable<TopicId>,
    key: (u64, u64),
}

impl NameIndex {
    pub(crate) fn new(seed: u64, domain: u64) -> Self {
        Self { topics: HashTable::new(), key: (seed, domain) }
    }

    pub(crate) fn len(&self) -> usize {
        self.topics.len()
    }

    /// The topic for which `is` holds, among those whose name may be `name`.
    pub(crate) fn find(&self, name: &str, is: impl Fn(TopicId) -> bool) -> Option<TopicId> {
        self.topics.find(hash(self.key, name), |&topic| is(topic)).copied()
    }

    /// Adds a topic whose name is not in the table.
    pub(crate) fn insert<'a>(
        &mut self,
        name: &str,
        topic: TopicId,
        name_of: impl Fn(TopicId) -> &'a str,
    ) {
        let key = self.key;
        self.topics.insert_unique(hash(key, name), topic, |&other| hash(key, name_of(other)));
    }

    pub(crate) fn remove(&mut self, name: &str, topic: TopicId) {
        if let Ok(entry) = self.topics.find_entry(hash(self.key, name), |&other| other == topic) {
            entry.remove();
        }
    }
}

fn hash((seed, domain): (u64, u64), name: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, domain);
    hasher.write(name.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_the_name_and_on_the_seed() {
        let hashes = [hash((1, 0), "alice"), hash((1, 0), "bob"), hash((2, 0), "alice")];
        assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2] && hashes[1] != hashes[2]);
    }
}
