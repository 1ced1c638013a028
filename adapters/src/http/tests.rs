//! HTTP by the byte: what a peer answers, and what it tells.

mod bodies;
mod connections;
mod heads;
mod pieces;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::AUTHORIZATION};

use super::{Caller, HttpConfig, Service};
use crate::{
    Settings,
    peer::{Peer, PeerConfig},
    wire::{Received, ToSend},
};

const MAX_BODY: usize = 100;

/// Answers with what it was asked. `/size/N` is answered with so many bytes, `/status/N` with that
/// status. Who shows a bearer token may send a body.
#[derive(Debug)]
struct Echo;

impl Service for Echo {
    fn admit(&self, head: &Request<()>, caller: &Caller) -> Result<usize, Box<Response<Bytes>>> {
        assert_eq!(head.extensions().get(), Some(caller));
        if head.method() == Method::GET || head.headers().contains_key(AUTHORIZATION) {
            Ok(usize::MAX)
        } else {
            let mut response = Response::new(Bytes::from_static(b"who are you?"));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Err(Box::new(response))
        }
    }

    fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let number = |prefix: &str| path.strip_prefix(prefix)?.parse::<usize>().ok();
        if let Some(size) = number("/size/") {
            return Response::new(vec![b'x'; size].into());
        }
        let said = String::from_utf8_lossy(request.body());
        let mut response = Response::new(format!("{} {path} {said}", request.method()).into());
        if let Some(status) = number("/status/").and_then(|status| u16::try_from(status).ok()) {
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        }
        if path == "/bye" {
            response.headers_mut().insert("connection", "close".parse().expect("a value"));
            response.headers_mut().insert("content-length", "7".parse().expect("a value"));
        }
        response
    }
}

fn settings() -> Settings {
    let http = HttpConfig { max_body: MAX_BODY, ..HttpConfig::new(Arc::new(Echo)) };
    Settings { http: Some(http), max_message: 100, ..Settings::default() }
}

/// A connection, as an adapter and a client have it.
struct Talk {
    peer: Peer,
    config: Arc<PeerConfig>,
    /// What the peer told, calls in short.
    heard: Vec<String>,
    written: Vec<u8>,
}

impl Talk {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        Self::of(settings.peer_config())
    }

    fn of(config: PeerConfig) -> Self {
        let config = Arc::new(config);
        let peer = Peer::new(Arc::clone(&config), Some([192, 0, 2, 1].into()));
        Self { peer, config, heard: Vec::new(), written: Vec::new() }
    }

    /// Says all of this at once, and has it answered.
    fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.peer.receive(bytes.as_ref());
        self.go_on();
        self
    }

    /// As an adapter does whose socket takes what there is.
    fn go_on(&mut self) {
        loop {
            self.take();
            self.write();
            if !self.poll() {
                return;
            }
        }
    }

    /// Takes what was said, as far as it goes without writing.
    fn take(&mut self) {
        while self.poll() {}
    }

    fn poll(&mut self) -> bool {
        let Some(received) = self.peer.poll() else { return false };
        self.heard.push(match &received {
            Received::Call(request) => {
                assert!(self.peer.is_held(), "it awaits the response");
                self.peer.answer(Echo.call(request));
                format!("{} {}", request.method(), request.uri())
            }
            other => format!("{other:?}"),
        });
        if !received.goes_on() {
            self.close(400);
        }
        true
    }

    fn close(&mut self, status: u16) {
        self.peer.send(ToSend::Close { frame: None, status });
    }

    fn write(&mut self) {
        assert!(self.peer.outgoing().len() <= self.config.buffer_bound());
        while !self.peer.outgoing().is_empty() {
            self.written.extend_from_slice(self.peer.outgoing());
            let size = self.peer.outgoing().len();
            self.peer.wrote(size);
        }
    }

    /// What was written since the last time, as text.
    fn answer(&mut self) -> String {
        self.write();
        String::from_utf8(std::mem::take(&mut self.written)).expect("text")
    }
}

/// The status and the body of a response, and whether the connection goes on after it.
#[track_caller]
fn parts(response: &str) -> (u16, &str, bool) {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{response}"));
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|line| line.get(..3));
    let status = status.and_then(|digits| digits.parse().ok());
    let is_last = head.to_ascii_lowercase().contains("\r\nconnection: close");
    (status.unwrap_or_else(|| panic!("{response}")), body, !is_last)
}

/// What a request that is all that is said is answered with, however it is cut.
#[track_caller]
fn ask(request: &str) -> (u16, String, bool) {
    let ask = |size: usize| {
        let mut talk = Talk::new();
        for piece in request.as_bytes().chunks(size) {
            talk.say(piece);
        }
        let answer = talk.answer();
        let (status, body, goes_on) = parts(&answer);
        assert_eq!(talk.peer.is_closed(), !goes_on, "{request}\n{answer}");
        (status, body.to_owned(), goes_on)
    };
    let whole = ask(request.len());
    for size in [1, 2, 7] {
        assert_eq!(ask(size), whole, "in pieces of {size}: {request}");
    }
    whole
}
