//! All that can happen to the hub.

use core::{net::IpAddr, time::Duration};

use crate::{ConnId, Kick, Name, Problem, Ticket, Verdict};

/// One event, as [`Hub::handle`](crate::Hub::handle) takes it.
///
/// An id that the hub has forgotten is counted in [`Stats::stale`](crate::Stats::stale) and
/// otherwise ignored: a socket's end and the hub's decision to drop it may cross.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Input<'a, P> {
    /// Somebody connected. [`Hub::connect`](crate::Hub::connect) does the same and returns the new
    /// connection's id.
    Connect {
        /// Where it comes from; `None` if that is not known (yet), or says nothing, as with a Unix
        /// socket.
        address: Option<IpAddr>,
    },
    /// It is known now where a connection comes from, as a proxy says in its first bytes. If it was
    /// known before, this is counted in [`Stats::stale`](crate::Stats::stale) and otherwise ignored.
    Address {
        /// Which connection.
        conn: ConnId,
        /// Where it comes from.
        address: IpAddr,
    },
    /// A connection asks for something.
    Request {
        /// Which connection.
        conn: ConnId,
        /// What it asks for.
        #[cfg_attr(feature = "serde", serde(borrow))]
        request: Request<'a, P>,
        /// How many bytes the message had that it came in.
        size: usize,
    },
    /// The answer to an [`Output::Check`](crate::Output::Check). If the connection waits for it no
    /// longer, this is counted in [`Stats::stale`](crate::Stats::stale) and otherwise ignored.
    Verdict {
        /// The check's.
        ticket: Ticket,
        /// What came of it.
        #[cfg_attr(feature = "serde", serde(borrow))]
        verdict: Verdict<'a>,
    },
    /// A connection gave a sign of life that is no request: a ping, a pong, a part of a message. A
    /// request is one in itself.
    Heard {
        /// Which connection.
        conn: ConnId,
        /// How many bytes it took.
        size: usize,
    },
    /// A connection asked for something else than to become a WebSocket, and was answered: it has
    /// [`Config::login_timeout`](crate::Config::login_timeout) from here on for whatever it asks
    /// next. Without consequence once it is logged in.
    Called {
        /// Which connection.
        conn: ConnId,
    },
    /// Another system has a message. [`Hub::push`](crate::Hub::push) does the same and tells how
    /// many it is for.
    Push {
        /// To whom.
        #[cfg_attr(feature = "serde", serde(borrow))]
        to: Target<'a>,
        /// The message.
        payload: P,
    },
    /// Another system wants everybody closed who is logged in with this uid.
    /// [`Hub::kick`](crate::Hub::kick) does the same and tells how many those are.
    Kick {
        /// The uid.
        #[cfg_attr(feature = "serde", serde(borrow))]
        uid: Name<'a>,
        /// What they are told.
        kick: Kick,
    },
    /// A connection sent what no dialect can accept. The hub closes it.
    Fault {
        /// Which connection.
        conn: ConnId,
        /// What was wrong.
        fault: Fault,
    },
    /// The peer asked to close (it sent a WebSocket close frame). The hub takes the connection out
    /// of all routing at once; what is left to pull is [`Frame::Close`](crate::Frame::Close),
    /// which has no code of its own: the answer is the peer's own frame.
    PeerClosed {
        /// Which connection.
        conn: ConnId,
    },
    /// The socket is gone. The hub forgets the connection.
    Disconnected {
        /// Which connection.
        conn: ConnId,
    },
    /// The deadline that [`Hub::poll_timeout`](crate::Hub::poll_timeout) named has come.
    Timeout,
    /// Close everybody with 1001 and refuse whoever comes. A further one can only bring the end
    /// forward.
    Shutdown {
        /// The time over which the closes are spread, so that not all come back elsewhere at once.
        /// Zero: all at once.
        over: Duration,
    },
}

/// What a connection can ask for, in any dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Request<'a, P> {
    /// Be known by this uid.
    #[cfg_attr(feature = "serde", serde(borrow))]
    Login(Name<'a>),
    /// Be known by the uid that this credential is for.
    Authenticate(P),
    /// Pass a message on.
    Send {
        /// To whom.
        #[cfg_attr(feature = "serde", serde(borrow))]
        to: Target<'a>,
        /// The message.
        payload: P,
    },
    /// Receive what is sent to this group.
    #[cfg_attr(feature = "serde", serde(borrow))]
    Join(Name<'a>),
    /// Receive it no longer.
    #[cfg_attr(feature = "serde", serde(borrow))]
    Leave(Name<'a>),
    /// The dialect could not make sense of it. The hub's part is to answer in order.
    Invalid(Problem),
}

impl<'a, P> Input<'a, P> {
    /// The same input with another type of payload, made of this one's.
    pub fn map_payload_ref<'p, Q>(&'p self, to: impl FnOnce(&'p P) -> Q) -> Input<'a, Q> {
        match self {
            Self::Connect { address } => Input::Connect { address: *address },
            Self::Address { conn, address } => Input::Address { conn: *conn, address: *address },
            Self::Request { conn, request, size } => {
                Input::Request { conn: *conn, request: request.map_payload_ref(to), size: *size }
            }
            Self::Verdict { ticket, verdict } => {
                Input::Verdict { ticket: *ticket, verdict: *verdict }
            }
            Self::Heard { conn, size } => Input::Heard { conn: *conn, size: *size },
            Self::Called { conn } => Input::Called { conn: *conn },
            Self::Push { to: target, payload } => Input::Push { to: *target, payload: to(payload) },
            Self::Kick { uid, kick } => Input::Kick { uid: *uid, kick: kick.clone() },
            Self::Fault { conn, fault } => Input::Fault { conn: *conn, fault: *fault },
            Self::PeerClosed { conn } => Input::PeerClosed { conn: *conn },
            Self::Disconnected { conn } => Input::Disconnected { conn: *conn },
            Self::Timeout => Input::Timeout,
            Self::Shutdown { over } => Input::Shutdown { over: *over },
        }
    }
}

impl<'a, P> Request<'a, P> {
    /// The same request with another type of payload.
    pub fn map_payload<Q>(self, to: impl FnOnce(P) -> Q) -> Request<'a, Q> {
        match self {
            Self::Login(uid) => Request::Login(uid),
            Self::Authenticate(credential) => Request::Authenticate(to(credential)),
            Self::Send { to: target, payload } => {
                Request::Send { to: target, payload: to(payload) }
            }
            Self::Join(group) => Request::Join(group),
            Self::Leave(group) => Request::Leave(group),
            Self::Invalid(problem) => Request::Invalid(problem),
        }
    }

    fn map_payload_ref<'p, Q>(&'p self, to: impl FnOnce(&'p P) -> Q) -> Request<'a, Q> {
        match self {
            Self::Login(uid) => Request::Login(*uid),
            Self::Authenticate(credential) => Request::Authenticate(to(credential)),
            Self::Send { to: target, payload } => {
                Request::Send { to: *target, payload: to(payload) }
            }
            Self::Join(group) => Request::Join(*group),
            Self::Leave(group) => Request::Leave(*group),
            Self::Invalid(problem) => Request::Invalid(problem.clone()),
        }
    }
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Target<'a> {
    /// Every connection that is logged in, the sender's too.
    Everyone,
    /// Every connection that is logged in with this uid.
    #[cfg_attr(feature = "serde", serde(borrow))]
    User(Name<'a>),
    /// Every connection that has joined this group. The sender need not be one of them.
    #[cfg_attr(feature = "serde", serde(borrow))]
    Group(Name<'a>),
}

/// What an adapter may find wrong with what a connection sends, before any dialect sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Fault {
    /// A binary message where the dialect has only text (RFC 6455, 7.4.1: 1003).
    Binary,
    /// A text message that is not UTF-8 (1007).
    NotUtf8,
    /// A message over the size limit (1009).
    TooLarge,
    /// Bytes that are not WebSocket frames (1002).
    Protocol,
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec::Vec};

    use slotmap::Key;

    use super::*;
    use crate::Denial;

    #[test]
    fn another_payload_changes_nothing_else() {
        let (conn, uid) = (ConnId::null(), Name::new("alice").expect("a name"));
        let requests = [
            Request::Login(uid),
            Request::Authenticate("5"),
            Request::Send { to: Target::Group(uid), payload: "5" },
            Request::Join(uid),
            Request::Leave(uid),
            Request::Invalid(Problem::ExpectedUidMessage),
        ];
        let mut inputs: Vec<Input<'_, &str>> = Vec::new();
        for request in requests {
            let expected = format!("{request:?}").replace("\"5\"", "5");
            let to_number = |text: &str| text.parse::<i32>().expect("a 5");
            let mapped = request.clone().map_payload(to_number);
            assert_eq!(format!("{mapped:?}"), expected);
            inputs.push(Input::Request { conn, request, size: 5 });
        }
        let address = core::net::Ipv4Addr::LOCALHOST.into();
        let verdict = Verdict::Denied(Denial::Expired);
        inputs.extend([
            Input::Connect { address: Some(address) },
            Input::Address { conn, address },
            Input::Verdict { ticket: Ticket { conn, number: 7 }, verdict },
            Input::Heard { conn, size: 5 },
            Input::Called { conn },
            Input::Push { to: Target::User(uid), payload: "5" },
            Input::Kick { uid, kick: Kick::default() },
            Input::Fault { conn, fault: Fault::NotUtf8 },
            Input::PeerClosed { conn },
            Input::Disconnected { conn },
            Input::Timeout,
            Input::Shutdown { over: Duration::from_secs(7) },
        ]);
        for input in inputs {
            let expected = format!("{input:?}").replace("\"5\"", "5");
            let mapped: Input<'_, i32> = input.map_payload_ref(|text| text.parse().expect("a 5"));
            assert_eq!(format!("{mapped:?}"), expected);
        }
    }
}
