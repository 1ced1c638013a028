//! A WebSocket over a stream that does not block, for runtimes that tell when a socket is ready.

use std::io::{self, Read, Write};

use switchboard_core::{ConnId, Hub, Input, Instant, Stage};
use tungstenite::handshake::server::{NoCallback, ServerHandshake};
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, util::NonBlockingResult};

use crate::{
    paced::Paced,
    wire::{Received, Text, ToSend},
};

/// A client's socket, from the handshake to the end.
///
/// Give it a [turn](Self::turn) when its stream may be ready, and when the hub says that its
/// connection is.
pub struct Socket<S: Read + Write> {
    /// `None` once it has ended.
    state: Option<State<S>>,
    shut_down_write: fn(&S) -> io::Result<()>,
}

enum State<S: Read + Write> {
    Handshake(Box<MidHandshake<ServerHandshake<Paced<S>, NoCallback>>>),
    Open(Box<WebSocket<Paced<S>>>),
}

/// What becomes of a socket after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It wants another turn, after the others have had theirs.
    Again,
    /// Wait until its stream is ready or the hub says that the connection is.
    Wait,
    /// It has ended: drop it, and feed [`Input::Disconnected`].
    End,
}

impl<S: Read + Write> Socket<S> {
    /// Expects a client's handshake from `stream`. `shut_down_write` tells the peer that nothing
    /// more will come.
    pub fn new(
        stream: S,
        config: WebSocketConfig,
        shut_down_write: fn(&S) -> io::Result<()>,
    ) -> Self {
        let handshake = ServerHandshake::start(Paced::new(stream), NoCallback, Some(config));
        Self { state: Some(State::Handshake(Box::new(handshake))), shut_down_write }
    }

    /// Writes what the hub has for `conn` while the stream takes it, and reads one message.
    pub fn turn(&mut self, hub: &mut Hub<Text>, now: Instant, conn: ConnId) -> Turn {
        let socket = match self.state.take() {
            Some(State::Open(socket)) => socket,
            Some(State::Handshake(handshake)) => {
                // Who is closed so early cannot be told why.
                if hub.stage(conn) == Stage::Closing {
                    return Turn::End;
                }
                match handshake.handshake() {
                    Ok(socket) => Box::new(socket),
                    Err(HandshakeError::Interrupted(handshake)) => {
                        self.state = Some(State::Handshake(Box::new(handshake)));
                        return Turn::Wait;
                    }
                    Err(HandshakeError::Failure(_)) => return Turn::End,
                }
            }
            None => return Turn::End,
        };
        let State::Open(socket) = self.state.insert(State::Open(socket)) else {
            return Turn::End;
        };
        match write(socket, hub, conn).no_block() {
            Ok(_) => read(socket, hub, now, conn),
            Err(Error::ConnectionClosed) => {
                match (self.shut_down_write)(socket.get_ref().get_ref()) {
                    Ok(()) => read_rest(socket, Turn::End),
                    Err(_) => Turn::End,
                }
            }
            Err(_) => Turn::End,
        }
    }
}

fn read<S: Read + Write>(
    socket: &mut WebSocket<Paced<S>>,
    hub: &mut Hub<Text>,
    now: Instant,
    conn: ConnId,
) -> Turn {
    if hub.stage(conn) == Stage::Closing {
        // The close frame waits for room; that the peer sends nothing more does not end it.
        return read_rest(socket, Turn::Wait);
    }
    // Another turn, in which something is pulled, makes room for further replies.
    if !hub.wants_input(conn) {
        return Turn::Wait;
    }
    let Some(read) = socket.read().no_block().transpose() else {
        return nothing_to_read(socket);
    };
    match Received::from(read).input(hub.stage(conn), conn) {
        Some(Input::Disconnected { .. }) => return Turn::End,
        Some(input) => hub.handle(now, input),
        None => {}
    }
    Turn::Again
}

/// To drop the socket before the peer has closed its side could cost the peer what it has not read
/// yet, the close frame included.
fn read_rest<S: Read + Write>(socket: &mut WebSocket<Paced<S>>, at_end: Turn) -> Turn {
    match socket.get_mut().read(&mut [0; 4096]).no_block() {
        Ok(Some(1..)) => Turn::Again,
        Ok(None) => nothing_to_read(socket),
        Ok(Some(0)) => at_end,
        Err(_) => Turn::End,
    }
}

fn nothing_to_read<S>(socket: &mut WebSocket<Paced<S>>) -> Turn {
    if socket.get_mut().take_paused() { Turn::Again } else { Turn::Wait }
}

/// Writes until all is written or the stream is full, which is an error to tungstenite, as is that
/// the close frame is written.
fn write<S: Read + Write>(
    socket: &mut WebSocket<Paced<S>>,
    hub: &mut Hub<Text>,
    conn: ConnId,
) -> Result<(), Error> {
    // What the stream had no room for in an earlier turn.
    socket.flush()?;
    while let Some(frame) = hub.poll_frame(conn) {
        match ToSend::from(frame) {
            ToSend::Message(message) => socket.write(message)?,
            ToSend::Close(frame) => socket.close(frame)?,
        }
    }
    socket.flush()?;
    if socket.can_write() { Ok(()) } else { Err(Error::ConnectionClosed) }
}
