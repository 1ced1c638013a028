//! A client that speaks HTTP by hand, so that it can do so in any way.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::client::{PATIENCE, is_timeout};

/// A connection.
#[derive(Debug)]
pub struct HttpClient {
    stream: BufReader<TcpStream>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, in lower case.
    pub head: String,
    /// Its body.
    pub body: String,
}

impl HttpClient {
    /// Connects.
    pub fn connect(server: SocketAddr) -> Self {
        Self::over(TcpStream::connect(server).expect("the server accepts"))
    }

    /// Connects with a socket that takes about so many `bytes` that the server has not read, and as
    /// many that are not heard.
    pub fn connect_with_buffers(bytes: usize, server: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_recv_buffer_size(bytes).expect("a TCP socket");
        socket.set_send_buffer_size(bytes).expect("a TCP socket");
        socket.connect(&server.into()).expect("the server accepts");
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream.set_nodelay(true).expect("a TCP socket");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends this.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Sends this again and again until the server has stopped to read and the socket takes no more
    /// for a while. Returns how many bytes have been sent in all.
    pub fn say_until_full(&mut self, text: &str) -> usize {
        const TOO_MUCH: usize = 64 << 20;
        let stream = self.stream.get_mut();
        stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a timeout above zero");
        let (mut sent, text) = (0, text.repeat(100));
        loop {
            match stream.write(&text.as_bytes()[sent % text.len()..]) {
                Ok(size) => sent += size,
                Err(error) if is_timeout(&error) => break,
                Err(error) => panic!("{error}"),
            }
            assert!(sent < TOO_MUCH, "the server reads without end");
        }
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout above zero");
        sent
    }

    /// Waits for the next response.
    pub fn hear(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let size = self.stream.read_line(&mut head).expect("a head");
            assert!(size > 0, "the connection has ended: {head}");
        }
        head.make_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut lines = head.lines().filter_map(|line| line.strip_prefix("content-length: "));
        let size = lines.next().map_or(0, |size| size.parse().expect("a number"));
        let mut body = vec![0; size];
        self.stream.read_exact(&mut body).expect("a body");
        let body = String::from_utf8(body).expect("text");
        Answer { status: status.expect("a status"), head, body }
    }

    /// Asks, and waits for the response.
    pub fn ask(&mut self, request: &str) -> Answer {
        self.say(request);
        self.hear()
    }

    /// Waits for the end of the connection, before which nothing must come.
    pub fn hears_the_end(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("an orderly end");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Whether the server has dropped the socket: it answers what comes after that with a reset.
    pub fn is_dropped(&mut self) -> bool {
        self.stream.get_mut().write_all(b"?").is_err()
    }

    /// The socket, from which nothing has been read beyond what was heard.
    pub fn into_stream(self) -> TcpStream {
        assert!(self.stream.buffer().is_empty());
        self.stream.into_inner()
    }
}
