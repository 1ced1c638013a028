//! What must be true of each topic.

use alloc::collections::BTreeMap;

use super::{Flaw, Hub, ensure};
use crate::{
    DuplicateUid, Name, Payload,
    conn::Membership,
    topic::{Topic, TopicId, TopicName},
    unread::Unread,
};

impl<P: Payload> Hub<P> {
    /// The index finds exactly the topics that are in use, and each entry counts its readers.
    pub(super) fn check_topics(&self) -> Result<(), Flaw> {
        let mut named = [0, 0];
        let mut online = 0;
        let mut payload_bytes = 0_usize;
        let mut tallies = self.tallies();
        for (id, topic) in &self.topics {
            self.check_name(id, topic)?;
            match topic.name {
                TopicName::Everyone => {}
                TopicName::User(_) => {
                    named[0] += 1;
                    online += usize::from(!topic.members().is_empty());
                    let shared = self.config.duplicate_uid == DuplicateUid::Share;
                    ensure(shared || topic.members().len() <= 1, "a uid that is shared")?;
                }
                TopicName::Group(_) => named[1] += 1,
            }
            let tally = tallies.remove(&id).unwrap_or_else(|| Tally::new(topic));
            ensure(topic.members().len() == tally.members, "members and cursors disagree")?;
            ensure(topic.readers == tally.readers, "readers and cursors disagree")?;
            let is_read = topic.readers > 0 || id == self.everyone;
            ensure(is_read, "a topic that nobody reads")?;
            let agree = topic.unread().eq(tally.unread.counts());
            ensure(agree, "an entry and its readers disagree")?;
            topic.check(self.seq, self.now, self.ring_limit(id))?;
            let sum = payload_bytes.checked_add(topic.bytes());
            payload_bytes = sum.ok_or("more bytes than there can be")?;
        }
        let known = [self.users.len(), self.groups.len()];
        ensure(named == known, "names and topics disagree")?;
        ensure(self.online.len() == online, "names and who is online disagree")?;
        for (uid, user) in self.online.after(None) {
            let name = self.topics.get(user).map(|user| user.name.as_str());
            ensure(name == Some(uid), "somebody is online by another name")?;
        }
        ensure(payload_bytes == self.stats.payload_bytes, "the bytes that are kept do not add up")
    }

    pub(super) fn check_name(&self, id: TopicId, topic: &Topic<P>) -> Result<(), Flaw> {
        let (name, found) = match &topic.name {
            TopicName::Everyone => {
                return ensure(id == self.everyone, "a second topic of everybody");
            }
            TopicName::User(name) => (name, Name::new(name).map(|name| self.find_user(name))),
            TopicName::Group(name) => (name, Name::new(name).map(|name| self.find_group(name))),
        };
        ensure(!name.is_empty() && found == Ok(Some(id)), "a name that is not found")
    }

    /// What the cursors say of the topics that have any.
    pub(in crate::hub) fn tallies(&self) -> BTreeMap<TopicId, Tally> {
        let mut tallies = BTreeMap::new();
        for (_, conn) in self.conns.iter() {
            for cursor in &conn.cursors {
                let Some(topic) = self.topics.get(cursor.topic) else { continue };
                let tally = tallies.entry(cursor.topic).or_insert_with(|| Tally::new(topic));
                tally.readers += 1;
                let is_member = matches!(cursor.membership, Membership::Member { .. });
                tally.members += usize::from(is_member);
                tally.unread.add(cursor.next, cursor.until(topic.end()));
            }
        }
        tallies
    }
}

/// What the cursors in a topic come to.
pub(in crate::hub) struct Tally {
    pub(in crate::hub) members: usize,
    pub(in crate::hub) readers: usize,
    pub(in crate::hub) unread: Unread,
}

impl Tally {
    fn new<P: Payload>(topic: &Topic<P>) -> Self {
        Self { members: 0, readers: 0, unread: Unread::new(topic.first(), topic.end()) }
    }
}
