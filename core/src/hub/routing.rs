//! Who receives what.

use alloc::sync::Arc;

use super::Hub;
use crate::{
    ConnId, Name, Payload, Problem, RingLimit, Target,
    conn::{Answer, Cursor, Membership},
    marks::Mark,
    topic::{Topic, TopicId, TopicName},
};

impl<P: Payload> Hub<P> {
    pub(super) fn send(&mut self, from: ConnId, to: Target<'_>, payload: P) {
        if let Err(problem) = self.route(to, payload) {
            self.reply(from, Answer::Problem(problem));
        }
    }

    /// Takes a message. Returns how many connections it is for.
    pub(super) fn route(&mut self, to: Target<'_>, payload: P) -> Result<usize, Problem> {
        let topic = self.resolve(to)?;
        self.post(topic, payload)?;
        Ok(self.topics[topic].members().len())
    }

    fn resolve(&self, to: Target<'_>) -> Result<TopicId, Problem> {
        let with_members = |topic: &TopicId| !self.topics[*topic].members().is_empty();
        match to {
            Target::Everyone => Ok(self.everyone),
            Target::User(uid) => self
                .find_user(uid)
                .filter(with_members)
                .ok_or_else(|| Problem::NotOnline(uid.as_str().into())),
            Target::Group(group) => self
                .find_group(group)
                .filter(with_members)
                .ok_or_else(|| Problem::GroupEmpty(group.as_str().into())),
        }
    }

    /// Stores a message for all members of a topic, and has them told.
    fn post(&mut self, topic: TopicId, payload: P) -> Result<(), Problem> {
        let limit = self.ring_limit(topic);
        let size = payload.size();
        if size > limit.bytes {
            return Err(Problem::TooLarge { size, limit: limit.bytes });
        }
        if self.topics[topic].is_walking() {
            self.mark(Mark::PostDuringWalk);
        }
        let (seq, now) = (self.next_seq(), self.now);
        self.stats.accepted += 1;
        if self.with_topic(topic, |topic| topic.post(seq, now, payload, limit)) {
            self.start_walk(topic);
        }
        Ok(())
    }

    /// Changes a topic's ring and keeps count of the bytes in all rings.
    pub(super) fn with_topic<R>(
        &mut self,
        topic: TopicId,
        change: impl FnOnce(&mut Topic<P>) -> R,
    ) -> R {
        let topic = &mut self.topics[topic];
        let before = topic.bytes();
        let result = change(topic);
        self.stats.payload_bytes = self.stats.payload_bytes - before + topic.bytes();
        result
    }

    pub(super) fn ring_limit(&self, topic: TopicId) -> RingLimit {
        match self.topics[topic].name {
            TopicName::Everyone => self.config.everyone_ring,
            TopicName::User(_) => self.config.user_ring,
            TopicName::Group(_) => self.config.group_ring,
        }
    }

    /// Being in a group twice is the same as being in it once.
    pub(super) fn join(&mut self, conn: ConnId, name: Name<'_>) {
        let group = self.find_group(name);
        if group.is_some_and(|group| self.conns[conn].member_of(group).is_some()) {
            return;
        }
        // Everybody and the connection's own uid are no groups.
        let joined = self.conns[conn].cursors.len() - 2;
        let room = joined < self.config.max_groups_per_connection
            && (group.is_some() || self.groups.len() < self.config.max_groups);
        if room {
            let group = group.unwrap_or_else(|| self.add_group(name));
            self.subscribe(conn, group);
        } else {
            self.reply(conn, Answer::Problem(Problem::TooManyGroups));
        }
    }

    pub(super) fn leave(&mut self, conn: ConnId, name: Name<'_>) {
        match self.find_group(name) {
            Some(group) if self.conns[conn].member_of(group).is_some() => {
                self.unsubscribe(conn, group);
            }
            _ => {
                let problem = Problem::NotInGroup(name.as_str().into());
                self.reply(conn, Answer::Problem(problem));
            }
        }
    }

    /// Makes `conn`, which is not in `topic`, receive what is posted to it from here on.
    pub(super) fn subscribe(&mut self, conn: ConnId, topic: TopicId) {
        if self.topics[topic].is_walking() {
            self.mark(Mark::JoinDuringWalk);
        }
        let to = &mut self.topics[topic];
        let next = to.end();
        let membership = Membership::Member { index: to.add_member(conn) };
        self.conns[conn].cursors.push(Cursor { topic, next, membership });
    }

    /// Ends a membership. What was posted before remains to be read.
    pub(super) fn unsubscribe(&mut self, conn: ConnId, topic: TopicId) {
        if self.topics[topic].is_walking() {
            self.mark(Mark::LeaveDuringWalk);
        }
        let from = &mut self.topics[topic];
        let until = from.end();
        let Some(cursor) = self.conns[conn].member_of(topic) else {
            return;
        };
        let Membership::Member { index } = cursor.membership else {
            return;
        };
        cursor.membership = Membership::Left { until };
        let next = cursor.next;
        if let Some(moved) = from.remove_member(index)
            && let Some(cursor) = self.conns[moved].member_of(topic)
        {
            cursor.membership = Membership::Member { index };
        }
        if next >= until {
            self.drop_cursor(conn, topic);
        } else {
            if self.topics[topic].members().is_empty() {
                self.mark(Mark::KeptForWhoLeft);
            }
            // The walk that would have told it visits members only.
            self.wake(conn);
        }
    }

    /// Drops the cursors in `topic` that have come to their end.
    fn drop_cursor(&mut self, conn: ConnId, topic: TopicId) {
        let cursors = &mut self.conns[conn].cursors;
        let done = cursors.iter().position(|c| c.topic == topic && c.is_done());
        if let Some(index) = done {
            let cursor = cursors.swap_remove(index);
            self.release(cursor);
        }
    }

    /// Ends the reading that a cursor stood for; forgets its topic if it was the last one.
    pub(super) fn release(&mut self, cursor: Cursor) {
        self.with_topic(cursor.topic, |topic| {
            topic.release(cursor.next, cursor.until(topic.end()));
        });
        if self.topics[cursor.topic].readers > 0 {
            return;
        }
        match &self.topics[cursor.topic].name {
            TopicName::Everyone => return,
            TopicName::User(name) => self.users.remove(name, cursor.topic),
            TopicName::Group(name) => self.groups.remove(name, cursor.topic),
        }
        self.topics.remove(cursor.topic);
    }

    pub(super) fn find_user(&self, uid: Name<'_>) -> Option<TopicId> {
        self.users.find(uid.as_str(), |topic| self.topics[topic].name.as_str() == uid.as_str())
    }

    pub(super) fn find_group(&self, group: Name<'_>) -> Option<TopicId> {
        self.groups.find(group.as_str(), |topic| self.topics[topic].name.as_str() == group.as_str())
    }

    pub(super) fn add_user(&mut self, uid: Name<'_>) -> TopicId {
        let topic = self.topics.insert(Topic::new(TopicName::User(uid.as_str().into())));
        self.users.insert(uid.as_str(), topic, |other| self.topics[other].name.as_str());
        topic
    }

    fn add_group(&mut self, group: Name<'_>) -> TopicId {
        let topic = self.topics.insert(Topic::new(TopicName::Group(group.as_str().into())));
        self.groups.insert(group.as_str(), topic, |other| self.topics[other].name.as_str());
        topic
    }

    pub(super) fn uid_of(&self, user: TopicId) -> Arc<str> {
        match &self.topics[user].name {
            TopicName::User(uid) => Arc::clone(uid),
            other => unreachable!("{other:?} is no user"),
        }
    }
}
