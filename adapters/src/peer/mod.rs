//! The other end of a connection, as bytes: what a socket reads goes in, what the client said comes
//! out; what the hub has for it goes in, what a socket should write comes out.
//!
//! ```text
//!   receive(bytes) --> incoming --> handshake --> messages --> poll() -> Received
//!   outgoing()     <-- outgoing <-- response  <-- frames   <-- send(ToSend)
//! ```
//!
//! No socket, no clock and no runtime: all adapters share it. Buffers are bounded, and an idle
//! connection has none.

mod head;
mod pipe;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use http::StatusCode;
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

use crate::wire::{Received, ToSend};
use head::Head;
use pipe::Pipe;

/// Bytes of buffer that stay with a connection when they are empty.
const KEPT_BUFFER: usize = 512;

/// What all peers of a server have in common.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// The size of messages and of buffers.
    pub websocket: WebSocketConfig,
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
    incoming: VecDeque<u8>,
    outgoing: VecDeque<u8>,
}

/// `Handshake -> Open -> Closed`, or from the handshake to the end at once.
#[derive(Debug)]
enum State {
    /// The head of the client's request is to come.
    Handshake,
    /// Messages go to and fro.
    Open(Box<WebSocketContext>),
    /// The request has been refused; the hub is yet to let go of the connection.
    Refused,
    /// Nothing more is to be sent, and nothing that comes is of matter.
    Closed,
}

impl Peer {
    /// A client that has just connected.
    pub fn new(config: Arc<PeerConfig>) -> Self {
        let (incoming, outgoing) = (VecDeque::new(), VecDeque::new());
        Self { config, state: State::Handshake, incoming, outgoing }
    }

    /// Takes bytes that came from the client.
    pub fn receive(&mut self, bytes: &[u8]) {
        if !self.is_closed() {
            self.incoming.extend(bytes);
        }
    }

    /// What the client said next, if it has come in whole.
    ///
    /// There is always something when a bounded number of bytes has come: who begins something and
    /// does not end it is refused when it is too long.
    pub fn poll(&mut self) -> Option<Received> {
        let received = match &mut self.state {
            State::Handshake => self.shake_hands(),
            State::Open(_) => self.read(),
            State::Refused | State::Closed => None,
        };
        give_back(&mut self.incoming);
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
                let mut pipe = Pipe::unlimited(&mut self.incoming, &mut self.outgoing);
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
            (State::Handshake, ToSend::Close { status, .. }) => {
                let status = StatusCode::from_u16(status);
                head::refuse(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), &mut self.outgoing);
                self.state = State::Closed;
            }
            (State::Refused, ToSend::Close { .. }) => self.state = State::Closed,
            (State::Handshake | State::Refused | State::Closed, _) => {}
        }
        if self.is_closed() {
            self.incoming = VecDeque::new();
        }
    }

    /// What should be written next, if it is not empty. [`wrote`](Self::wrote) tells how much of it
    /// has been.
    pub fn outgoing(&self) -> &[u8] {
        let (next, _) = self.outgoing.as_slices();
        next
    }

    /// Takes all that should be written, for whoever writes it in one go.
    pub fn take_outgoing(&mut self) -> VecDeque<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// So many bytes of [`outgoing`](Self::outgoing) were written.
    pub fn wrote(&mut self, bytes: usize) {
        self.outgoing.drain(..bytes.min(self.outgoing.len()));
        give_back(&mut self.outgoing);
    }

    /// Whether the last there is to send is with [`outgoing`](Self::outgoing), or has been written:
    /// after it, the socket should be shut down for writing.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Reads the request, and answers it.
    fn shake_hands(&mut self) -> Option<Received> {
        let read = head::read(self.incoming.make_contiguous());
        let answered = match read {
            Ok(None) => return None,
            Ok(Some(Head { request, size })) => {
                self.incoming.drain(..size);
                head::accept(&request, &mut self.outgoing)
            }
            Err(status) => Err(status),
        };
        match answered {
            Ok(()) => {
                let websocket = WebSocketContext::new(Role::Server, Some(self.config.websocket));
                self.state = State::Open(Box::new(websocket));
                self.read()
            }
            Err(status) => {
                head::refuse(status, &mut self.outgoing);
                self.state = State::Refused;
                Some(Received::Refused(status))
            }
        }
    }

    fn read(&mut self) -> Option<Received> {
        let State::Open(websocket) = &mut self.state else { return None };
        let mut pipe = Pipe::new(&mut self.incoming, &mut self.outgoing);
        match websocket.read(&mut pipe) {
            Err(Error::Io(_)) => None,
            // Its answer is sent when the hub has let go of the connection.
            Ok(Message::Close(_)) => Some(Received::Close),
            read => Some(read.into()),
        }
    }
}

/// The response to a client that has connected and finds no place.
pub(crate) fn refusal(_refused: Refused) -> Vec<u8> {
    let mut response = VecDeque::new();
    head::refuse(StatusCode::SERVICE_UNAVAILABLE, &mut response);
    response.into()
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
