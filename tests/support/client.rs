//! A client that waits for what it expects.

use std::{
    fmt::Debug,
    io::Read,
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use tungstenite::{
    Error, Message, WebSocket,
    client::{IntoClientRequest, client_with_config},
    handshake::client::Request,
    protocol::{
        WebSocketConfig,
        frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

/// How long a client waits before the test fails. No test passes or fails by being faster or slower
/// than this; it is here so that a failing one ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A WebSocket client.
#[derive(Debug)]
pub struct Client {
    socket: WebSocket<TcpStream>,
}

/// What a client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A text message.
    Text(String),
    /// The connection was closed with this code; 1005 stands for none, 1006 for the lack of a close
    /// frame (RFC 6455, 7.4.1).
    Closed(u16),
}

impl Client {
    /// Connects.
    pub fn connect(server: SocketAddr) -> Self {
        Self::over(TcpStream::connect(server).expect("the server accepts"))
    }

    /// Connects with a request of one's own.
    pub fn connect_with(server: SocketAddr, request: Request) -> Self {
        Self::shake_hands(TcpStream::connect(server).expect("the server accepts"), request)
    }

    /// Shakes hands over a socket that has been connected.
    pub fn over(stream: TcpStream) -> Self {
        let server = stream.peer_addr().expect("a connected socket");
        let request = format!("ws://{server}/").into_client_request().expect("a URL");
        Self::shake_hands(stream, request)
    }

    fn shake_hands(stream: TcpStream, request: Request) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream.set_nodelay(true).expect("a TCP socket");
        let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
        let (socket, _) =
            client_with_config(request, stream, Some(config)).expect("the server shakes hands");
        Self { socket }
    }

    /// Connects and logs in.
    pub fn log_in(server: SocketAddr, uid: &str) -> Self {
        let mut client = Self::connect(server);
        client.say(uid);
        client.hears(&format!("login success, your uid is {uid}"));
        client
    }

    /// Sends a text message.
    pub fn say(&mut self, text: &str) {
        self.send(Message::text(text));
    }

    /// Sends a binary message.
    pub fn say_binary(&mut self, bytes: &[u8]) {
        self.send(Message::binary(bytes.to_vec()));
    }

    /// Sends a text message that may not be text.
    pub fn say_bytes(&mut self, bytes: &[u8]) {
        let text = OpCode::Data(Data::Text);
        self.send(Message::Frame(Frame::message(bytes.to_vec(), text, true)));
    }

    /// Sends a binary message if the connection still stands.
    pub fn try_say_binary(&mut self, bytes: &[u8]) {
        drop(self.socket.send(Message::binary(bytes.to_vec())));
    }

    /// Sends a text message if the connection still stands.
    pub fn try_say(&mut self, text: &str) {
        drop(self.socket.send(Message::text(text)));
    }

    /// Sends a text message again and again, until the server has stopped to read and the socket
    /// takes no more. Returns how many are on their way; [`flush_reading`](Self::flush_reading) sends
    /// the rest.
    pub fn say_until_full(&mut self, text: &str) -> usize {
        const TOO_MUCH: usize = 64 << 20;
        self.stream().set_nonblocking(true).expect("a TCP socket");
        let mut sent = 0;
        loop {
            sent += 1;
            assert!(sent * text.len() < TOO_MUCH, "the server reads without end");
            match self.socket.send(Message::text(text)) {
                Ok(()) => {}
                Err(Error::Io(error)) if is_timeout(&error) => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.stream().set_nonblocking(false).expect("a TCP socket");
        sent
    }

    /// Sends what the socket has not taken yet, and reads while it does not. Returns what was read.
    pub fn flush_reading(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        self.stream().set_nonblocking(true).expect("a TCP socket");
        while let Err(Error::Io(error)) = self.socket.flush() {
            assert!(is_timeout(&error), "{error}");
            match self.socket.read() {
                Ok(Message::Text(text)) => heard.push(text.as_str().into()),
                Err(Error::Io(error)) if is_timeout(&error) => thread::yield_now(),
                other => panic!("{other:?}"),
            }
        }
        self.stream().set_nonblocking(false).expect("a TCP socket");
        heard
    }

    fn send(&mut self, message: Message) {
        self.socket.send(message).expect("the server reads");
    }

    /// Waits for the next text message or the end.
    pub fn hear(&mut self) -> Heard {
        let mut code = 1006;
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Heard::Text(text.as_str().into()),
                Ok(Message::Close(frame)) => code = frame.map_or(1005, |frame| frame.code.into()),
                Ok(_) => {}
                Err(Error::Io(error)) if is_timeout(&error) => panic!("heard nothing"),
                Err(_) => return Heard::Closed(code),
            }
        }
    }

    /// Waits for a ping, passing over text messages, and answers it.
    pub fn answers_ping(&mut self) {
        while !self.socket.read().expect("a message").is_ping() {}
        self.socket.flush().expect("the server reads");
    }

    /// The next thing heard must be this text.
    pub fn hears(&mut self, text: &str) {
        self.must_hear(&Heard::Text(text.into()));
    }

    /// The next thing heard must be the end, with this code.
    pub fn hears_close(&mut self, code: u16) {
        self.must_hear(&Heard::Closed(code));
    }

    fn must_hear(&mut self, expected: &Heard) {
        let heard = self.hear();
        assert!(heard == *expected, "expected {}, heard {}", brief(expected), brief(&heard));
    }

    /// Closes in an orderly way and waits until the server has, too: it has by then taken the
    /// connection out of all routing.
    pub fn leave(mut self) {
        self.socket.close(None).expect("the server reads");
        while self.socket.read().is_ok() {}
    }

    /// Sends a text message as `uid`, and returns the error that answers it, if one does. There is
    /// one order for all that a client hears: its own message to itself comes after the answer.
    pub fn answer_to(&mut self, uid: &str, text: &str) -> Option<String> {
        self.say(text);
        self.say(&format!("{uid}:done"));
        match self.hear() {
            Heard::Text(done) if done == "done" => None,
            Heard::Text(answer) => {
                self.hears("done");
                Some(answer)
            }
            closed => panic!("{closed:?}"),
        }
    }

    /// Reads to the end. Returns how many bytes came after the server's close frame.
    pub fn bytes_after_close(mut self) -> usize {
        while !matches!(self.socket.read().expect("a close frame"), Message::Close(_)) {}
        let mut rest = Vec::new();
        self.stream().read_to_end(&mut rest).expect("an orderly end");
        rest.len()
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }
}

pub(crate) fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock)
}

fn brief(what: &impl Debug) -> String {
    format!("{what:?}").chars().take(200).collect()
}
