//! The bare reference: `reference ADDRESS`. One thread, one epoll, the text dialect without any of
//! its rules, and no system calls but a read for what came and a write for each message to each
//! recipient. Good for nothing but to be compared with: it trusts everybody.

use std::{
    collections::HashMap,
    env,
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    rc::Rc,
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use socket2::{Domain, Socket, Type};
use tungstenite::handshake::derive_accept_key;

const LISTENER: Token = Token(usize::MAX);

struct Conn {
    stream: TcpStream,
    uid: Option<Rc<str>>,
    is_open: bool,
    /// What has come in part.
    incoming: Vec<u8>,
    /// What did not fit the socket.
    outgoing: Vec<u8>,
}

#[derive(Default)]
struct Server {
    conns: Vec<Option<Conn>>,
    users: HashMap<Rc<str>, usize>,
}

fn main() {
    let address: SocketAddr = env::args().nth(1).expect("an address").parse().expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
    socket.bind(&address.into()).expect("a free port");
    socket.listen(4096).expect("a socket");
    let mut listener = TcpListener::from_std(socket.into());
    let mut poll = Poll::new().expect("an epoll");
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).expect("room");
    let mut events = Events::with_capacity(1024);
    let mut server = Server::default();
    println!("listening on {}", listener.local_addr().expect("an address"));
    loop {
        poll.poll(&mut events, None).expect("an epoll");
        for event in &events {
            match event.token() {
                LISTENER => server.accept(&listener, &poll),
                Token(index) => {
                    if event.is_writable() {
                        server.flush(index);
                    }
                    if event.is_readable() {
                        server.read(index);
                    }
                }
            }
        }
    }
}

impl Server {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) {
        while let Ok((mut stream, _)) = listener.accept() {
            let index = self.conns.iter().position(Option::is_none).unwrap_or(self.conns.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            stream.set_nodelay(true).expect("a TCP socket");
            poll.registry().register(&mut stream, Token(index), interest).expect("room");
            if index == self.conns.len() {
                self.conns.push(None);
            }
            let (incoming, outgoing) = (Vec::new(), Vec::new());
            self.conns[index] =
                Some(Conn { stream, uid: None, is_open: false, incoming, outgoing });
        }
    }

    fn read(&mut self, index: usize) {
        let mut buffer = [0; 16 << 10];
        loop {
            let Some(conn) = &mut self.conns[index] else { return };
            match conn.stream.read(&mut buffer) {
                Ok(0) => return self.drop(index),
                Ok(size) => {
                    if conn.incoming.is_empty() {
                        let used = self.take(index, &mut buffer[..size]);
                        if let Some(conn) = &mut self.conns[index] {
                            conn.incoming.extend_from_slice(&buffer[used..size]);
                        }
                    } else {
                        let mut incoming = std::mem::take(&mut conn.incoming);
                        incoming.extend_from_slice(&buffer[..size]);
                        let used = self.take(index, &mut incoming);
                        if let Some(conn) = &mut self.conns[index] {
                            incoming.drain(..used);
                            conn.incoming = incoming;
                        }
                    }
                    // What does not fill the buffer was all there is; more is another event.
                    if size < buffer.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.drop(index),
            }
        }
    }

    /// Takes whole messages. Returns how many bytes they had.
    fn take(&mut self, index: usize, bytes: &mut [u8]) -> usize {
        let mut used = 0;
        if self.conns[index].as_ref().is_some_and(|conn| !conn.is_open) {
            let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return 0 };
            used = end + 4;
            self.shake_hands(index, &bytes[..used]);
        }
        while let Some((payload, size)) = message(&mut bytes[used..]) {
            used += size;
            match payload {
                Some(text) => self.message(index, text),
                None => {
                    self.drop(index);
                    break;
                }
            }
        }
        used
    }

    fn shake_hands(&mut self, index: usize, head: &[u8]) {
        let head = std::str::from_utf8(head).expect("a head");
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
        });
        let accept = derive_accept_key(key.expect("a key").as_bytes());
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        if let Some(conn) = &mut self.conns[index] {
            conn.is_open = true;
        }
        self.write(index, response.as_bytes());
    }

    fn message(&mut self, index: usize, text: &[u8]) {
        let Some(conn) = &mut self.conns[index] else { return };
        let text = std::str::from_utf8(text).expect("text");
        if conn.uid.is_none() {
            let uid: Rc<str> = text.into();
            conn.uid = Some(Rc::clone(&uid));
            self.users.insert(uid, index);
            return self.write(index, &frame(&format!("login success, your uid is {text}")));
        }
        let Some((to, message)) = text.split_once(':') else { return };
        let frame = frame(message);
        if to == "all" {
            for index in 0..self.conns.len() {
                self.write(index, &frame);
            }
        } else if let Some(&user) = self.users.get(to) {
            self.write(user, &frame);
        }
    }

    fn write(&mut self, index: usize, bytes: &[u8]) {
        let Some(conn) = &mut self.conns[index] else { return };
        let written =
            if conn.outgoing.is_empty() { conn.stream.write(bytes).unwrap_or_default() } else { 0 };
        conn.outgoing.extend_from_slice(&bytes[written..]);
    }

    fn flush(&mut self, index: usize) {
        let Some(conn) = &mut self.conns[index] else { return };
        while !conn.outgoing.is_empty() {
            match conn.stream.write(&conn.outgoing) {
                Ok(size) => drop(conn.outgoing.drain(..size)),
                Err(_) => return,
            }
        }
        conn.outgoing = Vec::new();
    }

    fn drop(&mut self, index: usize) {
        if let Some(conn) = self.conns[index].take()
            && let Some(uid) = conn.uid
        {
            self.users.remove(&uid);
        }
    }
}

/// The first message of `bytes`, unmasked, and its size, once it is there whole. What is no text
/// ends the connection.
fn message(bytes: &mut [u8]) -> Option<(Option<&[u8]>, usize)> {
    let (&[opcode, length], _) = bytes.split_first_chunk()?;
    let (head, length) = match length & 0x7F {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => return Some((None, bytes.len())),
        length => (2, usize::from(length)),
    };
    let size = head + 4 + length;
    let frame = bytes.get_mut(..size)?;
    let mask: [u8; 4] = *frame[head..].first_chunk()?;
    for (byte, mask) in frame[head + 4..].iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Some(((opcode == 0x81).then_some(&bytes[head + 4..size]), size))
}

fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length @ 0..126) => frame.push(length),
        _ => {
            frame.push(126);
            let length = u16::try_from(text.len()).expect("a small message");
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend_from_slice(text.as_bytes());
    frame
}
