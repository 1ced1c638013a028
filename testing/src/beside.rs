//! The model beside the hub.

use std::{collections::BTreeSet, fmt::Debug, net::IpAddr, sync::Mutex};

use switchboard_core::{
    Closes, Config, ConnId, Frame, Hub, Input, Instant, Kick, Name, Output, Payload, Problem,
    Refused, Request, Target, Verdict,
};
use switchboard_model::{Message, Model};

use crate::Text;

/// The model, and how its terms and the world's translate.
pub(crate) struct Beside {
    model: Model,
}

impl Beside {
    pub(crate) fn new(config: Config, now: Instant) -> Self {
        Self { model: Model::new(config, now) }
    }

    pub(crate) fn connected(
        &mut self,
        now: Instant,
        connected: Result<ConnId, Refused>,
        address: Option<IpAddr>,
    ) {
        agree("connect", &connected.err(), &self.model.refusal(address));
        self.model.connect(now, connected.ok(), address);
    }

    pub(crate) fn feed(&mut self, now: Instant, input: &Input<'_, Text>) {
        self.model.handle(now, translate(input));
    }

    pub(crate) fn pushed(
        &mut self,
        now: Instant,
        to: Target<'_>,
        payload: &Text,
        taken: &Result<usize, Problem>,
    ) {
        agree("push", taken, &self.model.push(now, target(to), short(payload)));
    }

    pub(crate) fn kicked(&mut self, now: Instant, uid: &str, kick: &Kick, kicked: usize) {
        agree("kick", &kicked, &self.model.kick(now, uid, kick));
    }

    pub(crate) fn frame(&mut self, conn: ConnId, frame: Option<&Frame<Text>>) {
        let frame = frame.map(|frame| match frame {
            Frame::LoggedIn { uid } => Frame::LoggedIn { uid: uid.clone() },
            Frame::Message { seq, payload } => {
                Frame::Message { seq: *seq, payload: short(payload) }
            }
            Frame::Gap { missed } => Frame::Gap { missed: *missed },
            Frame::Problem(problem) => Frame::Problem(problem.clone()),
            Frame::Ping => Frame::Ping,
            Frame::Close(reason) => Frame::Close(reason.clone()),
        });
        agree("frame", &frame, &self.model.poll_frame(conn));
    }

    /// Compares an output, or that there is none. When the hub says [`Output::Ready`] is not
    /// compared: there are many right ways to tell.
    pub(crate) fn output(&mut self, hub: &Hub<Text>, output: Option<&Output<Text>>) {
        if let Err(why) = self.model.follow_close(hub, output) {
            panic!("{why}");
        }
        let output = match output {
            Some(Output::Ready { .. }) => return,
            Some(Output::Drop { conn }) => Some(Output::Drop { conn: *conn }),
            Some(Output::Event(event)) => Some(Output::Event(event.clone())),
            Some(Output::Check { ticket, conn, credential }) => {
                let credential = short(credential);
                Some(Output::Check { ticket: *ticket, conn: *conn, credential })
            }
            None => None,
        };
        let ticket = match &output {
            Some(Output::Check { ticket, .. }) => Some(*ticket),
            _ => None,
        };
        agree("output", &output, &self.model.poll_output(ticket));
        if output.is_none() {
            agree("left open", &Vec::new(), &self.model.overdue());
        }
    }

    pub(crate) fn compare(&self, hub: &Hub<Text>, conns: impl Iterator<Item = ConnId>) {
        let stats = hub.stats();
        let mut comparable = stats;
        // How many are yet to be told is the hub's affair; reasons are compared by their names.
        comparable.wakes = 0;
        comparable.closed = Closes::default();
        agree("stats", &comparable, &self.model.stats());
        let closed = stats.closed.iter().filter(|(_, count)| *count > 0).collect();
        agree("closed", &closed, &self.model.closed());
        agree("timeout", &hub.poll_timeout(), &self.model.poll_timeout());
        let users = hub.users(None).map(|user| (user.uid, user.connections)).collect();
        agree("users", &users, &self.model.users());
        for conn in conns {
            agree("stage", &hub.stage(conn), &self.model.stage(conn));
            agree("credit", &hub.credit(conn), &self.model.credit(conn));
        }
    }
}

#[track_caller]
fn agree<T: PartialEq + Debug>(what: &str, hub: &T, model: &T) {
    assert!(hub == model, "{what} of the hub\n  is        {hub:?}\n  should be {model:?}");
}

fn short(text: &Text) -> Message {
    Message { id: text.id, size: text.size() }
}

fn translate(input: &Input<'_, Text>) -> Input<'static, Message> {
    match input.clone() {
        Input::Connect { address } => Input::Connect { address },
        Input::Address { conn, address } => Input::Address { conn, address },
        Input::Request { conn, request, size } => {
            let request = match request {
                Request::Login(uid) => Request::Login(keep(uid)),
                Request::Authenticate(credential) => Request::Authenticate(short(&credential)),
                Request::Send { to, payload } => {
                    Request::Send { to: target(to), payload: short(&payload) }
                }
                Request::Join(group) => Request::Join(keep(group)),
                Request::Leave(group) => Request::Leave(keep(group)),
                Request::Invalid(problem) => Request::Invalid(problem),
            };
            Input::Request { conn, request, size }
        }
        Input::Verdict { ticket, verdict } => {
            let verdict = match verdict {
                Verdict::Accepted(uid) => Verdict::Accepted(keep(uid)),
                Verdict::Denied(denial) => Verdict::Denied(denial),
            };
            Input::Verdict { ticket, verdict }
        }
        Input::Heard { conn, size } => Input::Heard { conn, size },
        Input::Called { conn } => Input::Called { conn },
        Input::Push { to, payload } => Input::Push { to: target(to), payload: short(&payload) },
        Input::Kick { uid, kick } => Input::Kick { uid: keep(uid), kick },
        Input::Fault { conn, fault } => Input::Fault { conn, fault },
        Input::PeerClosed { conn } => Input::PeerClosed { conn },
        Input::Disconnected { conn } => Input::Disconnected { conn },
        Input::Timeout => Input::Timeout,
        Input::Shutdown { over } => Input::Shutdown { over },
    }
}

fn target(to: Target<'_>) -> Target<'static> {
    match to {
        Target::Everyone => Target::Everyone,
        Target::User(uid) => Target::User(keep(uid)),
        Target::Group(group) => Target::Group(keep(group)),
    }
}

/// The model takes names that last for ever: each one is kept once, for the whole process.
fn keep(name: Name<'_>) -> Name<'static> {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    // Whoever panicked with the lock has at most not inserted a name.
    let mut names = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let kept = names.get(name.as_str()).copied().unwrap_or_else(|| {
        let kept: &'static str = Box::leak(name.as_str().into());
        names.insert(kept);
        kept
    });
    Name::new(kept).expect("it is a name")
}
