//! The other end of a connection, as bytes: what a socket reads goes in, what the client said comes
//! out; what the hub has for it goes in, what a socket should write comes out.
//!
//! ```text
//!   receive(bytes) --> [PROXY header] --> [TLS] --> handshake --> messages --> poll() -> Received
//!   outgoing()     <--------------------- [TLS] <-- response  <-- frames   <-- send(ToSend)
//! ```
//!
//! No socket, no clock and no runtime: all adapters share it. Buffers are bounded, and an idle
//! connection has none.

mod head;
mod pipe;
mod sealed;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, mem, net::IpAddr, sync::Arc};

use http::{Request, StatusCode};
use switchboard_core::Refused;
use tungstenite::{
    Error, Message,
    protocol::{
        Role, WebSocketConfig, WebSocketContext,
        frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::{
    forwarded::{self, Cidrs},
    origin::Origins,
    proxy_protocol,
    tls::Tls,
    wire::{Received, Refusal, ToSend, WRITE_BUFFER},
};
use head::Head;
use pipe::Pipe;
use sealed::Sealed;

/// Bytes that may wait to be written before pongs have to wait, of which tungstenite keeps only the
/// last. It answers the earlier ones, too (RFC 6455, 5.5.3).
const MAX_PONGS: usize = 1 << 10;

/// Bytes that an adapter may [give](Peer::receive) at a time.
pub const READ_AT_ONCE: usize = 16 << 10;

/// Bytes of buffer that stay with a connection when they are empty.
const KEPT_BUFFER: usize = 512;

/// What all peers of a server have in common.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// The size of messages and of buffers.
    pub websocket: WebSocketConfig,
    /// The certificate, if connections begin with TLS.
    pub tls: Option<Tls>,
    /// Whether connections begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Proxies that are believed when they say where a client comes from.
    pub trusted_proxies: Cidrs,
    /// Web pages whose scripts may connect.
    pub origins: Origins,
}

impl PeerConfig {
    /// What is known of where a client comes from when its socket, which comes from `address`, has
    /// been accepted. If it is nothing, the peer [tells](Received::Address) later.
    pub fn known_address(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        let is_proxy = |address: &IpAddr| self.trusted_proxies.contains(*address);
        address.filter(|address| !self.proxy_protocol && !is_proxy(address))
    }
}

impl PeerConfig {
    /// The most bytes that the buffers of a client can take, whatever it does: what was read and is
    /// part of a message, and what is to be written. The allocator adds to that what it will.
    pub fn buffer_bound(&self) -> usize {
        let message = self.websocket.max_message_size.unwrap_or(usize::MAX / 64);
        // tungstenite has a frame that is coming in, and the message that it is part of.
        let incoming = 2 * READ_AT_ONCE + 2 * message;
        let outgoing = 2 * (WRITE_BUFFER + message + MAX_PONGS);
        match self.tls {
            // The largest handshake that rustls takes, a record each way, and what is sealed.
            Some(_) => incoming + 2 * outgoing + (64 << 10) + 2 * (17 << 10),
            None => incoming + outgoing,
        }
    }
}

/// A client: its handshake, and then its messages.
///
/// Feed it with [`receive`](Self::receive) and [`send`](Self::send). After each, take what there is
/// from [`poll`](Self::poll), as far as the hub wants input, and write what there is in
/// [`outgoing`](Self::outgoing).
#[derive(Debug)]
pub struct Peer {
    config: Arc<PeerConfig>,
    state: State,
    sealed: Option<Sealed>,
    /// Where it comes from, as far as that is known.
    address: Option<IpAddr>,
    /// What was found out apart from messages, and is yet to be told.
    untold: VecDeque<Received>,
    incoming: VecDeque<u8>,
    /// To be written, and first to be sealed if there is TLS.
    outgoing: VecDeque<u8>,
}

/// `Proxy -> Handshake -> Open -> Closed`, or to the end at once.
#[derive(Debug)]
enum State {
    /// The header of the PROXY protocol is to come.
    Proxy,
    /// The head of the client's request is to come.
    Handshake,
    /// Messages go to and fro.
    Open(Box<WebSocketContext>),
    /// Something was not as it should be, and that has been said; the hub is yet to let go of the connection.
    Refused,
    /// Nothing more is to be sent, and nothing that comes is of matter.
    Closed,
}

impl Peer {
    /// A client that has just connected, with a socket that comes from `address`.
    pub fn new(config: Arc<PeerConfig>, address: Option<IpAddr>) -> Self {
        let state = if config.proxy_protocol { State::Proxy } else { State::Handshake };
        let mut peer = Self {
            config,
            state,
            sealed: None,
            address,
            untold: VecDeque::new(),
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
        };
        if let Some(tls) = &peer.config.tls {
            match Sealed::new(tls.current()) {
                Ok(sealed) => peer.sealed = Some(sealed),
                Err(error) => peer.refuse(Refusal::Tls(error)),
            }
        }
        peer
    }

    /// Takes bytes that came from the client, at most [`READ_AT_ONCE`].
    pub fn receive(&mut self, bytes: &[u8]) {
        match self.state {
            State::Closed | State::Refused => {}
            State::Proxy => {
                self.incoming.extend(bytes);
                match proxy_protocol::read(self.incoming.make_contiguous()) {
                    Ok(None) => {}
                    Ok(Some((header, size))) => {
                        self.incoming.drain(..size);
                        self.address = header.source.map_or(self.address, |from| Some(from.ip()));
                        self.state = State::Handshake;
                        let rest = Vec::from(mem::take(&mut self.incoming));
                        self.open(&rest);
                    }
                    Err(error) => self.refuse(Refusal::Proxy(error)),
                }
            }
            State::Handshake | State::Open(_) => self.open(bytes),
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
        self.state = State::Refused;
        self.untold.push_back(Received::Refused(refusal));
    }

    /// What the client said next, if it has come in whole.
    ///
    /// There is always something when a bounded number of bytes has come: who begins something and
    /// does not end it is refused when it is too long.
    pub fn poll(&mut self) -> Option<Received> {
        if let State::Handshake = self.state {
            self.shake_hands();
        }
        let received = self.untold.pop_front().or_else(|| self.read());
        give_back(&mut self.incoming);
        self.seal();
        received
    }

    /// Takes what is to be sent.
    pub fn send(&mut self, to_send: ToSend) {
        match (&mut self.state, to_send) {
            (State::Open(websocket), ToSend::Message(message)) => {
                // After the peer's close frame nothing follows but its answer (RFC 6455, 5.5.1).
                if websocket.can_write() {
                    let frame = match message {
                        Message::Ping(data) => Frame::ping(data),
                        text => Frame::message(text.into_data(), OpCode::Data(Data::Text), true),
                    };
                    put(frame, &mut self.outgoing);
                }
            }
            (State::Open(websocket), ToSend::Close { frame, .. }) => {
                let mut pipe = Pipe::new(&mut self.incoming, &mut self.outgoing, usize::MAX);
                match frame {
                    Some(_) if websocket.can_write() => {
                        put(Frame::close(frame), &mut self.outgoing);
                    }
                    _ => {
                        // The answer must not wait for room, as pongs do.
                        websocket.set_config(|config| config.max_write_buffer_size = usize::MAX);
                        // That the connection is closed with this is an error to tungstenite.
                        drop(websocket.flush(&mut pipe));
                    }
                }
                self.state = State::Closed;
            }
            (State::Handshake, ToSend::Close { status: code, .. }) => {
                head::refuse(status(code), &mut self.outgoing);
                self.state = State::Closed;
            }
            (State::Proxy | State::Refused, ToSend::Close { .. }) => self.state = State::Closed,
            (State::Proxy | State::Handshake | State::Refused | State::Closed, _) => {}
        }
        self.seal();
        if self.is_closed() {
            self.incoming = VecDeque::new();
            self.sealed.iter_mut().for_each(Sealed::close);
        }
    }

    fn seal(&mut self) {
        if let Some(sealed) = &mut self.sealed {
            sealed.seal(&mut self.outgoing);
            give_back(&mut self.outgoing);
        }
    }

    fn writable(&mut self) -> &mut VecDeque<u8> {
        match &mut self.sealed {
            Some(sealed) => &mut sealed.outgoing,
            None => &mut self.outgoing,
        }
    }

    /// What should be written next, if it is not empty. [`wrote`](Self::wrote) tells how much of it
    /// has been.
    pub fn outgoing(&self) -> &[u8] {
        let to_write = self.sealed.as_ref().map_or(&self.outgoing, |sealed| &sealed.outgoing);
        let (next, _) = to_write.as_slices();
        next
    }

    /// Takes all that should be written, for whoever writes it in one go.
    pub fn take_outgoing(&mut self) -> VecDeque<u8> {
        mem::take(self.writable())
    }

    /// So many bytes of [`outgoing`](Self::outgoing) were written.
    pub fn wrote(&mut self, bytes: usize) {
        let to_write = self.writable();
        to_write.drain(..bytes.min(to_write.len()));
        give_back(to_write);
    }

    /// Whether the last there is to send is with [`outgoing`](Self::outgoing), or has been written:
    /// after it, the socket should be shut down for writing.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Reads the request, and answers it.
    fn shake_hands(&mut self) {
        let request = match head::read(self.incoming.make_contiguous()) {
            Ok(None) => return,
            Ok(Some(Head { request, size })) => {
                self.incoming.drain(..size);
                Ok(request)
            }
            Err(status) => Err(status),
        };
        let answered = request.and_then(|request| {
            if !self.config.origins.allows(head::origin(&request)) {
                return Err(StatusCode::FORBIDDEN);
            }
            head::accept(&request, &mut self.outgoing)?;
            Ok(request)
        });
        match answered {
            Ok(request) => self.announce(&request),
            Err(status) => {
                head::refuse(status, &mut self.outgoing);
                return self.refuse(Refusal::Http(status));
            }
        }
        let websocket = WebSocketContext::new(Role::Server, Some(self.config.websocket));
        self.state = State::Open(Box::new(websocket));
    }

    /// Tells what the request says of the client.
    fn announce(&mut self, request: &Request<()>) {
        if let Some(proxy) = self.address
            && self.config.known_address(self.address).is_none()
        {
            let trusted = &self.config.trusted_proxies;
            let address = forwarded::client_address(proxy, trusted, request.headers());
            self.untold.push_back(Received::Address(address));
        }
        self.untold.extend(head::credential(request).map(Received::Credential));
    }

    fn read(&mut self) -> Option<Received> {
        let State::Open(websocket) = &mut self.state else { return None };
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.outgoing.len());
        let room = MAX_PONGS.saturating_sub(sealed);
        let mut pipe = Pipe::new(&mut self.incoming, &mut self.outgoing, room);
        match websocket.read(&mut pipe) {
            Err(Error::Io(_)) => None,
            // Its answer is sent when the hub has let go of the connection.
            Ok(Message::Close(_)) => Some(Received::Close),
            read => Some(read.into()),
        }
    }
}

/// The response to a client that has connected and finds no place.
pub(crate) fn refusal(refused: Refused) -> Vec<u8> {
    let mut response = VecDeque::new();
    head::refuse(status(refused.http_status()), &mut response);
    response.into()
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

fn put(frame: Frame, outgoing: &mut VecDeque<u8>) {
    // Writing to memory does not fail.
    drop(frame.format(outgoing));
}

fn give_back(buffer: &mut VecDeque<u8>) {
    if buffer.is_empty() && buffer.capacity() > KEPT_BUFFER {
        *buffer = VecDeque::new();
    }
}
