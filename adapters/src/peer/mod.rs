//! The other end of a connection, as bytes: what a socket reads goes in, what the client said comes
//! out; what the hub has for it goes in, what a socket should write comes out.
//!
//! ```text
//!   receive(bytes) --> [PROXY header] --> [TLS] --> requests --> messages --> poll() -> Received
//!   outgoing()     <--------------------- [TLS] <-- responses <-- frames  <-- send(ToSend)
//!                                                          ^-- answer(Response)
//! ```
//!
//! No socket, no clock and no runtime: all adapters share it. Buffers are bounded, and an idle
//! connection has none.

mod buffers;
mod codec;
mod config;
mod encoded;
mod outgoing;
mod pipe;
mod requests;
#[cfg_attr(not(feature = "tls"), path = "unsealed.rs")]
mod sealed;
#[cfg(test)]
mod tests;
mod websocket;

use std::{collections::VecDeque, io::Write, mem, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use switchboard_core::Refused;
use tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

pub use config::PeerConfig;

use crate::{
    forwarded,
    http::{Service, Wrong},
    proxy_protocol,
    wire::{Received, Refusal, ToSend},
};
pub(crate) use buffers::Buffers;
use buffers::give_back;
use codec::Codec;
pub(crate) use encoded::Encoded;
use requests::{Close, Requests, Step};
use sealed::Sealed;

/// Bytes that may wait to be written before pongs have to wait, of which tungstenite keeps only the
/// last. It answers the earlier ones, too (RFC 6455, 5.5.3).
const MAX_PONGS: usize = 1 << 10;

/// Bytes that an adapter may [give](Peer::receive) at a time.
pub const READ_AT_ONCE: usize = 16 << 10;

/// A client: its requests, of which one may turn it into a WebSocket, and then its messages.
///
/// Feed it with [`receive`](Self::receive) and [`send`](Self::send). After each, take what there is
/// from [`poll`](Self::poll), as far as the hub wants input, and write what there is in
/// [`outgoing`](Self::outgoing). A [call](Received::Call) is to be [answered](Self::answer).
#[derive(Debug)]
pub struct Peer {
    config: Arc<PeerConfig>,
    state: State,
    sealed: Option<Sealed>,
    /// Where its socket comes from, or what the PROXY header says of that.
    address: Option<IpAddr>,
    /// Whether the hub knows where it comes from.
    is_known: bool,
    /// What was found out apart from messages, and is yet to be told.
    untold: VecDeque<Received>,
    incoming: VecDeque<u8>,
    /// To be written, and first to be sealed if there is TLS.
    outgoing: VecDeque<u8>,
    /// The buffers are somebody else's, who wants them back.
    has_borrowed: bool,
    /// Bytes that were [taken](Self::take_outgoing) and may not have been written yet.
    taken: usize,
}

/// `Proxy -> Http -> Open -> Closed`, or to the end at once.
#[derive(Debug)]
enum State {
    /// The header of the PROXY protocol is to come.
    Proxy,
    /// Requests are to come.
    Http(Requests),
    /// Messages go to and fro.
    Open(Codec),
    /// The client has had the last answer; the hub is yet to let go of the connection.
    Ended,
    /// Nothing more is to be sent, and nothing that comes is of matter.
    Closed,
}

impl State {
    fn new() -> Self {
        Self::Http(Requests::default())
    }
}

impl Peer {
    /// A client that has just connected, with a socket that comes from `address`.
    pub fn new(config: Arc<PeerConfig>, address: Option<IpAddr>) -> Self {
        let state = if config.proxy_protocol { State::Proxy } else { State::new() };
        let is_known = config.known_address(address).is_some();
        let mut peer = Self {
            config,
            state,
            sealed: None,
            address,
            is_known,
            untold: VecDeque::new(),
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
            has_borrowed: false,
            taken: 0,
        };
        if let Some(tls) = &peer.config.tls {
            match Sealed::new(tls) {
                Ok(sealed) => peer.sealed = Some(sealed),
                Err(error) => peer.refuse(Refusal::Tls(error)),
            }
        }
        peer
    }

    /// Takes bytes that came from the client, at most [`READ_AT_ONCE`].
    pub fn receive(&mut self, bytes: &[u8]) {
        match self.state {
            State::Closed | State::Ended => {}
            State::Proxy => {
                self.incoming.extend(bytes);
                match proxy_protocol::read(self.incoming.make_contiguous()) {
                    Ok(None) => {}
                    Ok(Some((header, size))) => {
                        self.incoming.drain(..size);
                        self.address = header.source.map_or(self.address, |from| Some(from.ip()));
                        self.state = State::new();
                        let rest = Vec::from(mem::take(&mut self.incoming));
                        self.open(&rest);
                    }
                    Err(error) => self.refuse(Refusal::Proxy(error)),
                }
            }
            State::Http(_) | State::Open(_) => self.open(bytes),
        }
    }

    fn open(&mut self, bytes: &[u8]) {
        match &mut self.sealed {
            None => self.incoming.extend(bytes),
            Some(sealed) => {
                if let Err(error) = sealed.open(bytes, &mut self.incoming) {
                    self.refuse(Refusal::Tls(error));
                }
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.end(Received::Refused(refusal));
    }

    fn end(&mut self, how: Received) {
        self.state = State::Ended;
        self.untold.push_back(how);
    }

    /// What the client said next, if it has come in whole.
    ///
    /// There is always something when a bounded number of bytes has come: who begins something and
    /// does not end it is refused when it is too long. While the peer [is held](Self::is_held),
    /// there is nothing.
    pub fn poll(&mut self) -> Option<Received> {
        self.serve();
        let received =
            self.untold.pop_front().or_else(|| self.read()).or_else(|| self.end_of_tls());
        if !self.has_borrowed {
            give_back(&mut self.incoming);
        }
        self.seal();
        received
    }

    /// A client that says that nothing follows has closed, even if its socket stays open.
    fn end_of_tls(&mut self) -> Option<Received> {
        let has_ended = self.sealed.as_ref().is_some_and(|sealed| sealed.has_ended);
        let is_served = matches!(self.state, State::Http(_) | State::Open(_)) && !self.is_held();
        (has_ended && is_served).then(|| {
            self.state = State::Ended;
            Received::Close
        })
    }

    /// Whether to read no further: a call is to be answered first, or responses to be written, as
    /// a client may ask without end and read nothing. When that has been done, it is time to
    /// [poll](Self::poll).
    pub fn is_held(&self) -> bool {
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.outgoing.len());
        let waiting = self.outgoing.len() + sealed + self.taken;
        matches!(&self.state, State::Http(requests) if requests.are_held(waiting))
    }

    /// What answers calls, if there are any.
    pub fn service(&self) -> Option<&dyn Service> {
        self.config.http.as_ref().map(|http| &*http.service)
    }

    /// Answers the [call](Received::Call).
    pub fn answer(&mut self, response: Response<Bytes>) {
        if let (State::Http(requests), Some(http)) = (&mut self.state, &self.config.http)
            && requests.answer(http, response, &mut self.outgoing)
        {
            self.state = State::Closed;
        }
        self.seal();
        self.let_go();
    }

    /// Takes what is to be sent.
    pub fn send(&mut self, to_send: ToSend) {
        match (&mut self.state, to_send) {
            (State::Open(codec), ToSend::Message(message)) => {
                if codec.can_write() {
                    put(frame(message), &mut self.outgoing);
                }
            }
            (State::Open(codec), ToSend::Close { frame, .. }) => {
                match frame {
                    Some(_) if codec.can_write() => {
                        put(Frame::close(frame), &mut self.outgoing);
                    }
                    _ => codec.answer_close(&mut self.incoming, &mut self.outgoing),
                }
                self.state = State::Closed;
            }
            (State::Http(requests), ToSend::Close { status, .. }) => {
                match requests.close(&self.incoming) {
                    Close::Tell => {
                        let why = "the server closes the connection";
                        self.config.told(wrong(status, why)).write(&mut self.outgoing);
                        self.state = State::Closed;
                    }
                    Close::Now => self.state = State::Closed,
                    Close::AfterCall => {}
                }
            }
            (State::Proxy | State::Ended, ToSend::Close { .. }) => self.state = State::Closed,
            (State::Proxy | State::Http(_) | State::Ended | State::Closed, _) => {}
        }
        self.seal();
        self.let_go();
    }

    /// Whether a [frame](Encoded) goes out as it is: messages go to and fro, nothing seals them, and
    /// nothing is to be written or read before.
    pub(crate) fn is_plain(&self) -> bool {
        let is_open = matches!(&self.state, State::Open(codec) if codec.can_write());
        let is_idle =
            self.outgoing.is_empty() && self.incoming.is_empty() && self.untold.is_empty();
        is_open && is_idle && self.sealed.is_none()
    }

    /// Keeps what a socket did not take of what was to go out as it is.
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.outgoing.extend(rest);
    }

    /// Gives back what is of no use after the last there is to send.
    fn let_go(&mut self) {
        if self.is_closed() {
            self.incoming = VecDeque::new();
            self.sealed.iter_mut().for_each(Sealed::close);
        }
    }

    fn seal(&mut self) {
        if let Some(sealed) = &mut self.sealed {
            sealed.seal(&mut self.outgoing);
            if !self.has_borrowed {
                give_back(&mut self.outgoing);
            }
        }
    }

    /// Whether the last there is to send is with [`outgoing`](Self::outgoing), or has been written:
    /// after it, the socket should be shut down for writing.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Reads requests, up to one that somebody else has to answer.
    fn serve(&mut self) {
        while self.untold.is_empty() && !self.is_held() {
            let State::Http(requests) = &mut self.state else { return };
            let (incoming, outgoing) = (&mut self.incoming, &mut self.outgoing);
            match requests.step(&self.config, self.address, incoming, outgoing) {
                Ok(Step::Wait) => return,
                Ok(Step::Again) => {}
                Ok(Step::Call(request)) => {
                    self.announce();
                    self.untold.push_back(Received::Call(Box::new(request)));
                }
                Ok(Step::Upgrade(request)) => return self.upgrade(&request),
                Ok(Step::End) => self.end(Received::Close),
                Err(wrong) => self.turn_away(wrong),
            }
        }
    }

    fn turn_away(&mut self, wrong: Wrong) {
        let wrong = self.config.told(wrong);
        wrong.write(&mut self.outgoing);
        self.refuse(Refusal::Http(wrong.status));
    }

    /// Answers a request to become a WebSocket.
    fn upgrade(&mut self, request: &Request<()>) {
        let accepted = match self.config.websocket {
            None => Err(StatusCode::NOT_FOUND),
            Some(_) if !self.config.origins.allows(websocket::origin(request)) => {
                Err(StatusCode::FORBIDDEN)
            }
            Some(_) => websocket::accept(request, &mut self.outgoing),
        };
        match accepted {
            Ok(()) => {
                self.announce_websocket(request);
                self.state = State::Open(Codec::default());
            }
            Err(status) => self.turn_away(Wrong::new(status, "this is a request for a WebSocket")),
        }
    }

    /// Tells where a request comes from, if that holds for the whole connection: one from a trusted
    /// proxy may carry requests of many clients.
    fn announce(&mut self) {
        if let Some(address) = self.address.filter(|address| !self.config.is_proxy(*address))
            && !mem::replace(&mut self.is_known, true)
        {
            self.untold.push_back(Received::Address(address.to_canonical()));
        }
    }

    /// Tells what the request that made it a WebSocket says of the client.
    fn announce_websocket(&mut self, request: &Request<()>) {
        if let Some(peer) = self.address
            && !mem::replace(&mut self.is_known, true)
        {
            let trusted = &self.config.trusted_proxies;
            let address = forwarded::client_address(peer, trusted, request.headers());
            self.untold.push_back(Received::Address(address));
        }
        self.untold.extend(websocket::credential(request).map(Received::Credential));
    }

    /// What the buffers take, apart from TLS.
    #[cfg(test)]
    pub(crate) fn buffered(&self) -> usize {
        let body = match &self.state {
            State::Http(requests) => requests.buffered(),
            _ => 0,
        };
        self.incoming.capacity() + self.outgoing.capacity() + body
    }

    fn read(&mut self) -> Option<Received> {
        let room = self.room();
        let (State::Open(codec), Some(config)) = (&mut self.state, self.config.websocket) else {
            return None;
        };
        match codec.read(config, &mut self.incoming, &mut self.outgoing, room)? {
            // Its answer is sent when the hub has let go of the connection.
            Ok(Message::Close(_)) => Some(Received::Close),
            read => Some(read.into()),
        }
    }
}

/// The response to a client that has connected and finds no place.
pub fn refusal(refused: Refused) -> Vec<u8> {
    let mut response = VecDeque::new();
    wrong(refused.http_status(), config::WEBSOCKETS_ONLY).write(&mut response);
    response.into()
}

fn wrong(status: u16, why: &'static str) -> Wrong {
    Wrong::new(StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE), why)
}

fn frame(message: Message) -> Frame {
    match message {
        Message::Ping(data) => Frame::ping(data),
        text => Frame::message(text.into_data(), OpCode::Data(Data::Text), true),
    }
}

fn put(frame: Frame, outgoing: &mut impl Write) {
    // Writing to memory does not fail.
    drop(frame.format(outgoing));
}
