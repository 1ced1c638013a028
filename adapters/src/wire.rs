//! Between tungstenite's messages and the hub's inputs and frames.
//!
//! Translation only: what each of these means is decided in the core.

use std::{fmt, net::IpAddr};

use bytes::Bytes;
use http::StatusCode;
use switchboard_core::{ConnId, Fault, Frame, Input, Payload, Request, Stage, text};
use tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{CloseFrame, WebSocketConfig},
};

use crate::{proxy_protocol, tls};

/// Bytes that tungstenite reads at a time. It allocates them for each connection.
const READ_BUFFER: usize = 128;

/// Bytes of pongs that tungstenite keeps when there is no room for them.
const PONGS: usize = 256;

/// Bytes of frames that are put into one write.
pub(crate) const WRITE_BUFFER: usize = 16 << 10;

/// The settings of a WebSocket connection whose client may send messages of `max_message` bytes.
pub fn config(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // What it writes are pongs and the answer to a close frame. Pongs for which there is no room
        // wait, of which it keeps only the last.
        .write_buffer_size(0)
        .max_write_buffer_size(PONGS)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// The text of a message. A clone shares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub(crate) Utf8Bytes);

impl Payload for Text {
    fn size(&self) -> usize {
        self.0.len()
    }
}

impl From<&str> for Text {
    /// Copies the text, so that a short message does not keep a whole read buffer.
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Text> for Utf8Bytes {
    fn from(text: Text) -> Self {
        text.0
    }
}

/// What came from a client.
#[derive(Debug)]
pub enum Received {
    /// A text message.
    Text(Utf8Bytes),
    /// Something that is not acceptable. There is nothing more to be had from this connection.
    Fault(Fault),
    /// A close frame, or TLS's word that nothing follows, or all is answered that the client asked
    /// for over a connection that ends with that.
    Close,
    /// A request for something else than a WebSocket, which is to be
    /// [answered](crate::peer::Peer::answer).
    Call(Box<http::Request<Bytes>>),
    /// A ping or a pong. tungstenite answers pings.
    Control {
        /// Bytes that came with it.
        size: usize,
    },
    /// Where the client comes from, if that was not known when it connected.
    Address(IpAddr),
    /// A credential that came with the client's handshake.
    Credential(String),
    /// Something else than a client's handshake, or its TLS broke.
    Refused(Refusal),
}

impl From<Result<Message, Error>> for Received {
    fn from(read: Result<Message, Error>) -> Self {
        match read {
            Ok(Message::Text(text)) => Self::Text(text),
            Ok(Message::Binary(_)) => Self::Fault(Fault::Binary),
            Ok(Message::Close(_)) => Self::Close,
            Ok(control @ (Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                Self::Control { size: control.len() }
            }
            Err(Error::Utf8(_)) => Self::Fault(Fault::NotUtf8),
            Err(Error::Capacity(_)) => Self::Fault(Fault::TooLarge),
            Err(_) => Self::Fault(Fault::Protocol),
        }
    }
}

impl Received {
    /// Whether there may be more messages. If not, what follows is of no matter.
    pub fn goes_on(&self) -> bool {
        !matches!(self, Self::Fault(_) | Self::Refused(_) | Self::Close)
    }

    /// The hub's input for what `conn`, which is at this stage, sent, if it is one.
    pub fn input(&self, stage: Stage, conn: ConnId) -> Option<Input<'_, Text>> {
        Some(match self {
            Self::Text(text) => {
                let request = text::parse(stage, text).map_payload(Text::from);
                Input::Request { conn, request, size: text.len() }
            }
            Self::Fault(fault) => Input::Fault { conn, fault: *fault },
            Self::Close => Input::PeerClosed { conn },
            Self::Address(address) => Input::Address { conn, address: *address },
            // Who need not show one is asked for its uid.
            Self::Credential(_) if stage != Stage::Credential => return None,
            Self::Credential(credential) => Input::Request {
                conn,
                request: Request::Authenticate(Text::from(credential.as_str())),
                size: credential.len(),
            },
            Self::Refused(_) => Input::Fault { conn, fault: Fault::Protocol },
            Self::Call(_) => Input::Called { conn },
            Self::Control { size } => Input::Heard { conn, size: *size },
        })
    }
}

/// Why a client did not become, or remain, a WebSocket.
#[derive(Debug)]
pub enum Refusal {
    /// It sent no proper request to become one. It has been answered with this.
    Http(StatusCode),
    /// It sent no header of the PROXY protocol.
    Proxy(proxy_protocol::Error),
    /// It did not speak TLS as it should.
    Tls(tls::HandshakeError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(status) => write!(f, "answered with {status}"),
            Self::Proxy(error) => write!(f, "no PROXY header: {error}"),
            Self::Tls(error) => write!(f, "no TLS: {error}"),
        }
    }
}

/// What to do with a connection next.
#[derive(Debug)]
pub enum ToSend {
    /// Send this message.
    Message(Message),
    /// Send this close frame, or the answer to the peer's if there is none, and then nothing more.
    Close {
        /// The close frame.
        frame: Option<CloseFrame>,
        /// The HTTP status that says the same to a client that has not become a WebSocket.
        status: u16,
    },
}

impl From<Frame<Text>> for ToSend {
    fn from(frame: Frame<Text>) -> Self {
        match text::print(frame) {
            text::Printed::Payload(text) => Self::Message(Message::Text(text.into())),
            text::Printed::Line(line) => Self::Message(Message::Text(line.into())),
            text::Printed::Ping => Self::Message(Message::Ping(Default::default())),
            text::Printed::Close(reason) => Self::Close {
                frame: reason.code().map(|code| CloseFrame {
                    code: code.into(),
                    reason: Utf8Bytes::from(reason.text()),
                }),
                status: reason.http_status(),
            },
        }
    }
}

impl ToSend {
    /// Its size, as far as it counts.
    pub fn len(&self) -> usize {
        match self {
            Self::Message(message) => message.len(),
            Self::Close { .. } => 0,
        }
    }

    /// Whether it has no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
