//! What each client is owed, counted with none of the hub's means, so that every world has it, the
//! large ones too.
//!
//! A message's number tells whom it was for, and how many were taken for the same before it. A client
//! that is owed those of a recipient from one number to another gets them in that order; what is left
//! out must have been told as a gap before.

use std::collections::BTreeMap;

use switchboard_core::{CloseReason, Frame};
use switchboard_model::Message;

use crate::plan::To;

/// All messages that the hub has taken.
#[derive(Default)]
pub(crate) struct Posted {
    /// By their ids, from 1 on: for whom, how many there were before, and how large. Nothing if the
    /// hub did not take it.
    messages: Vec<Option<(To, u64, usize)>>,
    users: BTreeMap<usize, u64>,
    groups: BTreeMap<usize, u64>,
    everyone: u64,
}

impl Posted {
    /// The next message.
    pub(crate) fn next(&mut self, size: usize) -> Message {
        self.messages.push(None);
        Message { id: u32::try_from(self.messages.len()).expect("few messages"), size }
    }

    /// The hub has taken the last one.
    pub(crate) fn taken(&mut self, to: To, message: Message) {
        let count = match to {
            To::Everyone => &mut self.everyone,
            To::User(uid) => self.users.entry(uid).or_default(),
            To::Group(group) => self.groups.entry(group).or_default(),
        };
        self.messages[message.id as usize - 1] = Some((to, *count, message.size));
        *count += 1;
    }

    /// How many there were to a group.
    fn to_group(&self, group: usize) -> u64 {
        self.groups.get(&group).copied().unwrap_or(0)
    }

    /// Where those to everybody and those to a user have come to.
    pub(crate) fn now(&self, uid: usize) -> Place {
        Place { everyone: self.everyone, user: self.users.get(&uid).copied().unwrap_or(0) }
    }
}

/// How many messages there were to everybody, and to a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    everyone: u64,
    user: u64,
}

/// A stay in a group.
struct Stay {
    group: usize,
    /// The number of the message that it is to be given next.
    next: u64,
    /// Those from there on are not for it.
    until: Option<u64>,
}

/// What one connection has been given.
#[derive(Default)]
pub(crate) struct Owed {
    uid: usize,
    /// The next of either kind; from its login on.
    next: Option<Place>,
    /// What is taken from there on is not for it.
    until: Option<Place>,
    stays: Vec<Stay>,
    /// Messages of gaps that were told, and that have not shown as missing yet.
    missed: u64,
    last: u64,
    is_closed: bool,
}

impl Owed {
    /// The hub has logged it in.
    pub(crate) fn log_in(&mut self, uid: usize, posted: &Posted) {
        assert_eq!(self.next, None, "a connection logs in once");
        self.uid = uid;
        self.next = Some(posted.now(uid));
    }

    /// The hub has not refused that it joins a group.
    pub(crate) fn join(&mut self, group: usize, posted: &Posted) {
        if !self.stays.iter().any(|stay| stay.group == group && stay.until.is_none()) {
            self.stays.push(Stay { group, next: posted.to_group(group), until: None });
        }
    }

    /// Nor that it leaves one.
    pub(crate) fn leave(&mut self, group: usize, posted: &Posted) {
        for stay in &mut self.stays {
            if stay.group == group {
                stay.until.get_or_insert(posted.to_group(group));
            }
        }
    }

    /// The hub has taken it out of all routing.
    pub(crate) fn end(&mut self, posted: &Posted) {
        self.until.get_or_insert(posted.now(self.uid));
        for stay in &mut self.stays {
            stay.until.get_or_insert(posted.to_group(stay.group));
        }
    }

    /// It is given a frame.
    pub(crate) fn receive(&mut self, frame: &Frame<Message>, uid: &str, posted: &Posted) {
        assert!(!self.is_closed, "{frame:?} after the close frame");
        match frame {
            Frame::Message { seq, payload } => self.receive_message(*seq, *payload, posted),
            Frame::Gap { missed } => {
                assert!(*missed > 0, "a gap of nothing");
                self.missed += missed;
            }
            Frame::LoggedIn { uid: given } => assert_eq!(**given, *uid, "it has its own uid"),
            Frame::Close(reason) => {
                self.is_closed = true;
                let may_be_unread = matches!(
                    reason,
                    CloseReason::TooSlow
                        | CloseReason::Silent
                        | CloseReason::PeerClosed
                        | CloseReason::RepliesUnread
                );
                if !may_be_unread && let Some(until) = self.until {
                    self.settle(until, posted);
                }
            }
            Frame::Problem(_) | Frame::Ping => {}
        }
    }

    fn receive_message(&mut self, seq: u64, message: Message, posted: &Posted) {
        assert!(seq > self.last, "{message:?} is out of order: {seq} after {}", self.last);
        self.last = seq;
        let taken = posted.messages.get(message.id as usize - 1).copied().flatten();
        let (to, number, size) = taken.expect("the hub has taken what it delivers");
        assert_eq!(message.size, size, "it comes as it was");
        let next = self.next.as_mut().expect("only who is logged in gets messages");
        let (next, until) = match to {
            To::Everyone => (&mut next.everyone, self.until.map(|until| until.everyone)),
            To::User(uid) => {
                assert_eq!(uid, self.uid, "{message:?} is for somebody else");
                (&mut next.user, self.until.map(|until| until.user))
            }
            To::Group(group) => {
                let is_of_stay = |stay: &&mut Stay| {
                    stay.group == group && stay.until.is_none_or(|until| number < until)
                };
                let stay = self.stays.iter_mut().find(is_of_stay);
                let stay = stay.expect("who gets a message to a group was in it");
                (&mut stay.next, stay.until)
            }
        };
        assert!(number >= *next, "{message:?} comes late, or twice");
        assert!(until.is_none_or(|until| number < until), "{message:?} came after its end");
        let left_out = number - *next;
        *next = number + 1;
        assert!(left_out <= self.missed, "{left_out} messages before {message:?} are missing");
        self.missed -= left_out;
    }

    /// It must have been given all up to here, or been told that it was not.
    pub(crate) fn settle(&self, until: Place, posted: &Posted) {
        let Some(next) = self.next else { return };
        let of_stay = |stay: &Stay| stay.until.unwrap_or(posted.to_group(stay.group)) - stay.next;
        let to_groups: u64 = self.stays.iter().map(of_stay).sum();
        let left_out = until.everyone - next.everyone + (until.user - next.user) + to_groups;
        assert_eq!(left_out, self.missed, "messages missing in the end, and gaps told");
    }

    /// Whether it has to be given anything, now that nothing is on its way.
    pub(crate) fn settle_now(&self, posted: &Posted) {
        assert!(!self.is_closed && self.until.is_none(), "the hub has ended it");
        self.settle(posted.now(self.uid), posted);
    }
}
