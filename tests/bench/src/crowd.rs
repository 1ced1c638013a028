//! Clients, as light as they can be: one thread, one epoll.

use std::{
    io::{ErrorKind, Read, Write},
    net::{self, SocketAddr},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};

/// Clients that are logged in as `user 0`, `user 1` and so on.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    /// Whoever has heard something, and how many messages.
    heard: Vec<(usize, usize)>,
}

struct Client {
    stream: TcpStream,
    incoming: Vec<u8>,
}

impl Crowd {
    /// Connects and logs in, one after the other.
    pub(crate) fn log_in(server: SocketAddr, users: usize) -> Self {
        let poll = Poll::new().expect("an epoll");
        let clients = (0..users).map(|user| {
            let mut stream = TcpStream::from_std(log_in(server, user));
            let interest = Interest::READABLE;
            poll.registry().register(&mut stream, Token(user), interest).expect("room");
            Client { stream, incoming: Vec::new() }
        });
        let clients = clients.collect();
        Self { poll, events: Events::with_capacity(1024), clients, heard: Vec::new() }
    }

    /// Has somebody send a message. A socket that is full would be a mistake of the scenario.
    pub(crate) fn say(&mut self, user: usize, frame: &[u8]) {
        self.clients[user].stream.write_all(frame).expect("the server reads");
    }

    /// Waits until somebody hears something; tells who, and how many messages.
    pub(crate) fn hear(&mut self) -> &[(usize, usize)] {
        self.heard.clear();
        while self.heard.is_empty() {
            self.poll.poll(&mut self.events, None).expect("an epoll");
            for event in &self.events {
                let Token(user) = event.token();
                let messages = self.clients[user].read();
                if messages > 0 {
                    self.heard.push((user, messages));
                }
            }
        }
        &self.heard
    }
}

impl Client {
    /// Reads what there is. Returns how many messages that were.
    fn read(&mut self) -> usize {
        let mut buffer = [0; 16 << 10];
        let mut messages = 0;
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the server has closed"),
                Ok(size) => {
                    self.incoming.extend_from_slice(&buffer[..size]);
                    let mut used = 0;
                    while let Some(size) = frame_size(&self.incoming[used..]) {
                        // Not a ping.
                        messages += usize::from(self.incoming[used] == 0x81);
                        used += size;
                    }
                    self.incoming.drain(..used);
                    if self.incoming.is_empty() {
                        self.incoming = Vec::new();
                    }
                    if size < buffer.len() {
                        return messages;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return messages,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A frame with a text, masked with zeros (RFC 6455, 5.3).
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    assert!(length < 126, "a short text");
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The size of the first frame of `bytes`, once it is there whole.
pub(crate) fn frame_size(bytes: &[u8]) -> Option<usize> {
    let size = match bytes.get(1)? {
        126 => 4 + usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        127 => panic!("a long message"),
        length => 2 + usize::from(*length),
    };
    (size <= bytes.len()).then_some(size)
}

/// Connects and logs in one of them.
pub(crate) fn log_in(server: SocketAddr, user: usize) -> net::TcpStream {
    let mut stream = net::TcpStream::connect(server).expect("the server accepts");
    stream.set_nodelay(true).expect("a TCP socket");
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("the server reads");
    read_until(&mut stream, b"\r\n\r\n");
    stream.write_all(&frame(&name(user))).expect("the server reads");
    read_until(&mut stream, name(user).as_bytes());
    stream.set_nonblocking(true).expect("a TCP socket");
    stream
}

/// What a user is called.
pub(crate) fn name(user: usize) -> String {
    format!("user {user}")
}

fn read_until(stream: &mut net::TcpStream, end: &[u8]) {
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !answer.ends_with(end) {
        let size = stream.read(&mut buffer).expect("an answer");
        assert!(size > 0, "the server closes: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..size]);
    }
}
