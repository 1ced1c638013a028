//! A user's connection: its socket, from `connect` to its end.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr},
};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::{
    frames::{self, Reader, Said},
    handshake,
    sealed::{Sealed, Trust},
};

/// What the handshake of all connections is.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) sources: Vec<IpAddr>,
    pub(super) trust: Option<Trust>,
    pub(super) request: Vec<u8>,
    pub(super) key: String,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    tls: Option<Box<Sealed>>,
    stage: Stage,
    reader: Reader,
    /// What the socket has yet to take.
    outgoing: Vec<u8>,
    mask: u32,
}

#[derive(Debug)]
enum Stage {
    Connecting,
    /// With what there is of the response.
    ShakingHands(Vec<u8>),
    LoggingIn,
    Open,
    /// The goodbye has been said; the server hangs up.
    Closing,
}

/// What is heard on a connection.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    /// The first text; it may be a refusal.
    LoggedIn(&'a [u8]),
    Text(&'a [u8]),
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum End {
    /// By a close frame.
    Closed(u16),
    /// Without one.
    Broken(String),
    /// The process has reached a limit.
    OutOf(Limit),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    Files,
    Ports,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE) => Self::OutOf(Limit::Files),
            Some(rustix::io::Errno::ADDRNOTAVAIL) => Self::OutOf(Limit::Ports),
            _ => {
                let text = error.to_string();
                Self::Broken(text.split(" (os error").next().unwrap_or_default().to_owned())
            }
        }
    }
}

impl Connection {
    /// Begins one.
    pub(super) fn begin(door: &Door, user: usize) -> Result<Self, End> {
        let domain = Domain::for_address(door.address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if !door.sources.is_empty() {
            let source = door.sources[user % door.sources.len()];
            socket.bind(&SocketAddr::new(source, 0).into()).map_err(|error| {
                // So the system says that all ports of an address are taken.
                let is_full = error.kind() == ErrorKind::AddrInUse;
                let cannot = || format!("cannot connect from {source}: {error}");
                if is_full { End::OutOf(Limit::Ports) } else { End::Broken(cannot()) }
            })?;
        }
        match socket.connect(&door.address.into()) {
            Err(error)
                if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
            {
                return Err(error.into());
            }
            _ => {}
        }
        let tls = door.trust.as_ref().map(|trust| Sealed::new(trust).map(Box::new)).transpose();
        Ok(Self {
            stream: TcpStream::from_std(socket.into()),
            tls: tls.map_err(|error| End::Broken(error.to_string()))?,
            stage: Stage::Connecting,
            reader: Reader::default(),
            outgoing: Vec::new(),
            mask: (user as u32).wrapping_mul(0x9e37_79b9) | 1,
        })
    }

    /// The socket can be written to.
    pub(super) fn on_writable(&mut self, door: &Door) -> Result<(), End> {
        if let Stage::Connecting = self.stage {
            if let Some(error) = self.stream.take_error()? {
                return Err(error.into());
            }
            match self.stream.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                other => other?,
            };
            self.stage = Stage::ShakingHands(Vec::new());
            return self.write(&door.request);
        }
        self.flush()
    }

    /// There is something to read: all of it, if nothing follows (`is_end`), because then no event
    /// will tell of it.
    pub(super) fn on_readable(
        &mut self,
        door: &Door,
        uid: &str,
        is_end: bool,
        buffer: &mut [u8],
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), End> {
        loop {
            let size = match self.stream.read(buffer) {
                Ok(0) => return Err(End::Broken("the server has hung up".to_owned())),
                Ok(size) => size,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            match &mut self.tls {
                None => self.take(&buffer[..size], door, uid, hear)?,
                Some(tls) => {
                    let mut plain = Vec::new();
                    let opened = tls.open(&buffer[..size], &mut plain);
                    // Alerts among them.
                    self.write(&[])?;
                    opened.map_err(|error| End::Broken(error.to_string()))?;
                    self.take(&plain, door, uid, hear)?;
                }
            }
            if size < buffer.len() && !is_end {
                return Ok(());
            }
        }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        door: &Door,
        uid: &str,
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), End> {
        let Stage::ShakingHands(head) = &mut self.stage else {
            return self.take_frames(bytes, hear);
        };
        head.extend_from_slice(bytes);
        let size = handshake::response(head, &door.key);
        let size = size.map_err(|error| End::Broken(format!("the server {error}")))?;
        let Some(size) = size else { return Ok(()) };
        let rest = head.split_off(size);
        self.stage = Stage::LoggingIn;
        let mut login = Vec::new();
        self.frame(OpCode::Data(Data::Text), uid.len(), &mut login, |out| {
            out.extend_from_slice(uid.as_bytes());
        });
        self.write(&login)?;
        self.take_frames(&rest, hear)
    }

    fn take_frames(&mut self, bytes: &[u8], hear: &mut impl FnMut(Heard<'_>)) -> Result<(), End> {
        let mut closed = None;
        let mut pong = None;
        let stage = &mut self.stage;
        let read = self.reader.read(bytes, |said| match said {
            Said::Text(text) if matches!(stage, Stage::LoggingIn) => {
                *stage = Stage::Open;
                hear(Heard::LoggedIn(text));
            }
            Said::Text(text) => hear(Heard::Text(text)),
            Said::Binary => {}
            // The last answers those before it, too (RFC 6455, 5.5.3).
            Said::Ping(payload) => pong = Some(payload.to_vec()),
            Said::Close(code) => closed = closed.or(Some(code)),
        });
        if let (Some(code), false) = (closed, matches!(self.stage, Stage::Closing)) {
            // The answer is a courtesy.
            drop(self.close(code));
            return Err(End::Closed(code));
        }
        read.map_err(|error| End::Broken(format!("the server {error}")))?;
        if let Some(payload) = pong {
            let mut frame = Vec::new();
            self.frame(OpCode::Control(Control::Pong), payload.len(), &mut frame, |out| {
                out.extend_from_slice(&payload);
            });
            self.write(&frame)?;
        }
        Ok(())
    }

    /// Sends a text of `size` bytes that `payload` writes; `frame` is a buffer for that.
    pub(super) fn say(
        &mut self,
        size: usize,
        frame: &mut Vec<u8>,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), End> {
        frame.clear();
        self.frame(OpCode::Data(Data::Text), size, frame, payload);
        self.write(frame)
    }

    /// Whether the server would understand a goodbye.
    pub(super) fn is_websocket(&self) -> bool {
        !matches!(self.stage, Stage::Connecting | Stage::ShakingHands(_))
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, code: u16) -> Result<(), End> {
        // 1005 and 1006 are not to be sent.
        let payload =
            if (1004..=1006).contains(&code) { Vec::new() } else { code.to_be_bytes().to_vec() };
        let mut frame = Vec::new();
        self.frame(OpCode::Control(Control::Close), payload.len(), &mut frame, |out| {
            out.extend_from_slice(&payload);
        });
        self.stage = Stage::Closing;
        self.write(&frame)
    }

    fn frame(
        &mut self,
        opcode: OpCode,
        size: usize,
        out: &mut Vec<u8>,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        self.mask = self.mask.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        frames::write(opcode, size, self.mask.to_be_bytes(), out, payload);
    }

    /// Writes what there is room for, and keeps the rest.
    fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        if let Some(tls) = &mut self.tls {
            tls.seal(bytes, &mut self.outgoing)?;
            return self.flush();
        }
        if !self.outgoing.is_empty() {
            self.outgoing.extend_from_slice(bytes);
            return Ok(());
        }
        let taken = write_some(&mut self.stream, bytes)?;
        self.outgoing.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), End> {
        let taken = write_some(&mut self.stream, &self.outgoing)?;
        if taken == self.outgoing.len() {
            self.outgoing = Vec::new();
        } else {
            self.outgoing.drain(..taken);
        }
        Ok(())
    }
}

fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match stream.write(&bytes[taken..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(size) => taken += size,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}
