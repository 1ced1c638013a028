//! What each request, each close and each message does to the model.

use super::*;

impl Model {
    pub(super) fn request(&mut self, id: ConnId, request: Request<'static, Message>, size: usize) {
        if self.stage(id) == Stage::Closing {
            return;
        }
        self.stats.received_bytes += size as u64;
        match self.charge(id, size) {
            (Excess::Far, _) => return self.close(id, CloseReason::TooFast),
            _ if self.credit(id) == 0 => return self.close(id, CloseReason::RepliesUnread),
            (Excess::Some, problem) => return self.problem(id, problem),
            (Excess::None, _) => {}
        }
        match (self.stage(id), request) {
            (Stage::Closing, _) => {}
            (_, Request::Invalid(problem)) => self.problem(id, problem),
            (Stage::Login, Request::Login(uid)) => {
                if self.may_log_in(id) {
                    self.log_in(id, uid.as_str());
                }
            }
            (Stage::Credential, Request::Authenticate(credential)) => {
                if self.may_log_in(id) {
                    self.attempts += 1;
                    let attempt = self.attempts;
                    self.conn(id).life = Life::Checking(attempt);
                    self.outputs.push_back(Said::Check { conn: id, attempt, credential });
                }
            }
            (Stage::Login | Stage::Credential, _) => self.problem(id, Problem::NotLoggedIn),
            (Stage::Open, Request::Login(_) | Request::Authenticate(_)) => {
                self.problem(id, Problem::AlreadyLoggedIn);
            }
            (Stage::Open, Request::Send { to, payload }) => self.send(id, to, payload),
            (Stage::Open, Request::Join(group)) => self.join(id, group.as_str()),
            (Stage::Open, Request::Leave(group)) => self.leave(id, group.as_str()),
        }
    }

    /// Charges for an attempt, and says what there is to say if it may not be made.
    fn may_log_in(&mut self, id: ConnId) -> bool {
        let excess = self.charge_login(id);
        match excess {
            Excess::None => {}
            Excess::Some => self.problem(id, Problem::TooManyLogins),
            Excess::Far => self.close(id, CloseReason::TooFast),
        }
        excess == Excess::None
    }

    pub(super) fn verdict(&mut self, ticket: Ticket, verdict: Verdict<'static>) {
        let (id, attempt) = self.tickets[&ticket];
        if self.conns.get(&id).is_none_or(|conn| conn.life != Life::Checking(attempt)) {
            self.stats.stale += 1;
            return;
        }
        self.conn(id).life = Life::Credential;
        match verdict {
            Verdict::Accepted(uid) => self.log_in(id, uid.as_str()),
            Verdict::Denied(denial) => self.problem(id, Problem::Denied(denial)),
        }
    }

    fn log_in(&mut self, id: ConnId, uid: &'static str) {
        let older = self.members(Topic::User(uid));
        if !older.is_empty() && self.config.duplicate_uid == DuplicateUid::Reject {
            return self.problem(id, Problem::UidTaken(uid.into()));
        }
        if self.config.duplicate_uid == DuplicateUid::Replace {
            for older in older {
                self.close(older, CloseReason::Replaced);
            }
        }
        self.enter(id, Topic::Everyone);
        self.enter(id, Topic::User(uid));
        self.events += 1;
        let (seq, now) = (self.events, self.now);
        let conn = self.conn(id);
        conn.life = Life::Open(uid);
        conn.login = (seq, now);
        self.watch(id);
        self.reply(id, Frame::LoggedIn { uid: uid.into() });
        let login = Login { uid: uid.into(), generation: seq };
        self.outputs.push_back(Said::Event(Event::LoggedIn { seq, conn: id, login }));
    }

    fn send(&mut self, id: ConnId, to: Target<'static>, message: Message) {
        if let Err(problem) = self.route(to, message) {
            self.problem(id, problem);
        }
    }

    /// Returns how many it is for.
    pub(super) fn route(
        &mut self,
        to: Target<'static>,
        message: Message,
    ) -> Result<usize, Problem> {
        let (topic, nobody) = match to {
            Target::Everyone => (Topic::Everyone, None),
            Target::User(uid) => {
                let uid = uid.as_str();
                (Topic::User(uid), Some(Problem::NotOnline(uid.into())))
            }
            Target::Group(group) => {
                let group = group.as_str();
                (Topic::Group(group), Some(Problem::GroupEmpty(group.into())))
            }
        };
        let readers = self.members(topic);
        let limit = self.limit(topic);
        if readers.is_empty()
            && let Some(nobody) = nobody
        {
            Err(nobody)
        } else if message.size > limit.bytes {
            let (size, limit) = (message.size, limit.bytes);
            Err(Problem::TooLarge { size, limit })
        } else {
            let many = readers.len();
            self.post(topic, readers, message);
            Ok(many)
        }
    }

    fn post(&mut self, topic: Topic, readers: BTreeSet<ConnId>, message: Message) {
        self.stats.accepted += 1;
        self.seq += 1;
        let (seq, posted) = (self.seq, self.now);
        for reader in &readers {
            let conn = self.conn(*reader);
            let stay = conn.stays[&topic];
            conn.unread.push(Unread::Message { topic, stay, seq, message });
        }
        let limit = self.limit(topic);
        let kept = self.kept.entry(topic).or_default();
        kept.push(Kept { seq, posted, size: message.size, unread_by: readers });
        let bytes = |kept: &[Kept]| kept.iter().map(|kept| kept.size).sum::<usize>();
        while kept.len() > 1 && (kept.len() > limit.entries || bytes(kept) > limit.bytes) {
            kept.remove(0);
        }
        self.forget_read();
    }

    fn join(&mut self, id: ConnId, group: &'static str) {
        let group = Topic::Group(group);
        if self.conns[&id].stays.contains_key(&group) {
            return;
        }
        let groups: BTreeSet<_> = self.topics().into_iter().filter(Topic::is_group).collect();
        let new = !groups.contains(&group);
        let too_many_in_all = new && groups.len() >= self.config.max_groups;
        if too_many_in_all || self.groups_of(id) >= self.config.max_groups_per_connection {
            self.problem(id, Problem::TooManyGroups);
        } else {
            self.enter(id, group);
        }
    }

    /// What was posted before remains to be read.
    fn leave(&mut self, id: ConnId, group: &'static str) {
        if self.conn(id).stays.remove(&Topic::Group(group)).is_none() {
            self.problem(id, Problem::NotInGroup(group.into()));
        }
    }

    fn enter(&mut self, id: ConnId, topic: Topic) {
        self.stays += 1;
        let stay = self.stays;
        self.conn(id).stays.insert(topic, stay);
    }

    fn problem(&mut self, id: ConnId, problem: Problem) {
        self.reply(id, Frame::Problem(problem));
    }

    fn reply(&mut self, id: ConnId, frame: Frame<Message>) {
        self.seq += 1;
        self.conn(id).unread.push(Unread::Reply(frame));
    }

    pub(super) fn close(&mut self, id: ConnId, reason: CloseReason) {
        let after = self.now + self.config.close_timeout;
        let conn = self.conn(id);
        let generation = conn.login.0;
        let login = match conn.life {
            Life::Login | Life::Credential | Life::Checking(_) => None,
            Life::Open(uid) => Some(Login { uid: uid.into(), generation }),
            Life::Closing(_) | Life::Closed => return,
        };
        conn.life = Life::Closing(reason.clone());
        conn.stays.clear();
        conn.deadlines = [(TimeoutReason::Close, after)].into();
        conn.unread.retain(|unread| !matches!(unread, Unread::Ping));
        match reason {
            CloseReason::PeerClosed
            | CloseReason::Disconnected
            | CloseReason::TooSlow
            | CloseReason::Silent
            | CloseReason::RepliesUnread => self.discard_unread(id),
            _ => {}
        }
        self.closed.push(reason.clone());
        self.events += 1;
        let seq = self.events;
        self.outputs.push_back(Said::Event(Event::Closed { seq, conn: id, login, reason }));
    }

    pub(super) fn forget(&mut self, id: ConnId) {
        self.discard_unread(id);
        self.conns.remove(&id);
        self.forget_logins();
    }

    fn discard_unread(&mut self, id: ConnId) {
        self.conn(id).unread.clear();
        self.have_read(id, |_| true);
    }

    pub(super) fn timeout(&mut self) {
        while let Some((at, id, why)) = self.next_deadline()
            && at <= self.now
        {
            match why {
                TimeoutReason::Login => self.close(id, CloseReason::LoginTimeout),
                TimeoutReason::Close => {
                    self.forget(id);
                    self.outputs.push_back(Said::Drop(id));
                }
                TimeoutReason::Ping | TimeoutReason::Pong => self.look_for_life(id),
                TimeoutReason::Stall => self.look_for_progress(id),
                other => unreachable!("{other:?} is no deadline of a connection"),
            }
        }
    }

    /// The earliest, and of those at the same time that of the least id.
    pub(super) fn next_deadline(&self) -> Option<(Instant, ConnId, TimeoutReason)> {
        let of_conn = |(id, conn): (&ConnId, &Conn)| {
            let deadlines = conn.deadlines.iter().map(|(why, at)| (*at, *id, *why));
            deadlines.collect::<Vec<_>>()
        };
        self.conns.iter().flat_map(of_conn).min()
    }

    pub(super) fn is_closed_when_slow(&self, id: ConnId) -> bool {
        self.config.slow_reader == SlowReader::Close && self.stage(id) == Stage::Open
    }

    /// What a connection should read but is kept no longer: of which stay, and its number.
    pub(super) fn lost(&self, id: ConnId) -> impl Iterator<Item = (u64, u64)> {
        let unread = self.conns.get(&id).map(|conn| conn.unread.iter());
        unread.into_iter().flatten().filter_map(|unread| {
            let Unread::Message { topic, stay, seq, .. } = unread else {
                return None;
            };
            let mut kept = self.kept.get(topic).into_iter().flatten();
            (!kept.any(|kept| kept.seq == *seq)).then_some((*stay, *seq))
        })
    }

    /// `id` reads these, or is never going to.
    pub(super) fn have_read(&mut self, id: ConnId, these: impl Fn(&Kept) -> bool) {
        for kept in self.kept.values_mut().flatten() {
            if these(kept) {
                kept.unread_by.remove(&id);
            }
        }
        self.forget_read();
    }

    /// What is kept of a topic begins with a message that somebody has yet to read.
    fn forget_read(&mut self) {
        for kept in self.kept.values_mut() {
            while kept.first().is_some_and(|kept| kept.unread_by.is_empty()) {
                kept.remove(0);
            }
        }
    }

    /// The topics that somebody is in or has something to read of, lost or not.
    pub(super) fn topics(&self) -> BTreeSet<Topic> {
        let of_unread = |unread: &Unread| match unread {
            Unread::Ping | Unread::Reply(_) => None,
            Unread::Message { topic, .. } => Some(*topic),
        };
        let of_conn = |conn: &Conn| {
            let unread = conn.unread.iter().filter_map(of_unread);
            unread.chain(conn.stays.keys().copied()).collect::<Vec<_>>()
        };
        self.conns.values().flat_map(of_conn).collect()
    }

    /// The stays in groups of one connection, those counted that ended and have something to read.
    fn groups_of(&self, id: ConnId) -> usize {
        let conn = &self.conns[&id];
        let of_unread = |unread: &Unread| match unread {
            Unread::Message { topic: Topic::Group(_), stay, .. } => Some(*stay),
            _ => None,
        };
        let left = conn.unread.iter().filter_map(of_unread);
        let current = conn.stays.iter().filter(|(topic, _)| topic.is_group());
        let stays: BTreeSet<u64> = left.chain(current.map(|(_, stay)| *stay)).collect();
        stays.len()
    }

    pub(super) fn members(&self, topic: Topic) -> BTreeSet<ConnId> {
        let is_in = |conn: &Conn| conn.stays.contains_key(&topic);
        let members = self.conns.iter().filter(|(_, conn)| is_in(conn));
        members.map(|(id, _)| *id).collect()
    }

    fn limit(&self, topic: Topic) -> RingLimit {
        match topic {
            Topic::Everyone => self.config.everyone_ring,
            Topic::User(_) => self.config.user_ring,
            Topic::Group(_) => self.config.group_ring,
        }
    }

    pub(super) fn conn(&mut self, id: ConnId) -> &mut Conn {
        self.conns.get_mut(&id).expect("a connection that is known")
    }
}

impl Topic {
    pub(super) fn is_user(&self) -> bool {
        matches!(self, Self::User(_))
    }

    pub(super) fn is_group(&self) -> bool {
        matches!(self, Self::Group(_))
    }
}
