use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    sync::Arc,
};

use proptest::{collection::vec, prelude::*};
use switchboard_core::{ConnId, Hub, Input, Instant, Target};

use super::{Scratch, Socket, Turn};
use crate::{
    Settings,
    line::{Direct, Pulled},
    wire::Text,
};

/// A client's end: what it has sent, what it has received, and how much more it takes.
#[derive(Default)]
struct Stream {
    sent: VecDeque<u8>,
    received: Vec<u8>,
    room: usize,
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.sent.read(buf)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            size => Ok(size),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let size = buf.len().min(self.room);
        if size == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.room -= size;
        self.received.extend_from_slice(&buf[..size]);
        Ok(size)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client called `bob`, and the hub.
struct World {
    hub: Hub<Text>,
    conn: ConnId,
    stream: Stream,
    socket: Socket,
    scratch: Scratch,
}

impl World {
    fn new() -> Self {
        let settings = Settings::default();
        let mut hub = Hub::new(settings.hub_config(), 0, Instant::ZERO);
        let conn = hub.connect(Instant::ZERO, None).expect("there is room");
        let socket = Socket::new(Arc::new(settings.peer_config()), None);
        let stream = Stream { room: 1000, ..Stream::default() };
        let mut world = Self { hub, conn, stream, socket, scratch: Scratch::default() };
        let request = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        world.stream.sent.extend(request.as_bytes());
        world.say("bob");
        world.turn();
        world
    }

    /// A frame from the client, masked with zeros.
    fn say(&mut self, text: &str) {
        let length = u8::try_from(text.len()).expect("a short text");
        self.stream.sent.extend([0x81, 0x80 | length, 0, 0, 0, 0]);
        self.stream.sent.extend(text.as_bytes());
    }

    fn push(&mut self, text: &str) {
        let (to, payload) = (Target::Everyone, Text::from(text));
        self.hub.handle(Instant::ZERO, Input::Push { to, payload });
    }

    fn turn(&mut self) {
        self.socket.tell(true);
        self.turn_as_told();
    }

    fn turn_as_told(&mut self) {
        let mut line = Direct { hub: &mut self.hub, now: Instant::ZERO, conn: self.conn };
        loop {
            match self.socket.turn_with(&mut self.stream, &mut line, &mut self.scratch) {
                Turn::Again => {}
                Turn::Wait => return,
                end => panic!("{end:?}"),
            }
        }
    }

    /// The same, with what is there pulled before.
    fn turn_ahead(&mut self) {
        let mut pulled = Pulled::default();
        let (hub, conn) = (&mut self.hub, self.conn);
        pulled.pull(self.socket.writes().then_some(|| hub.poll_frame(conn)));
        let may_have_more = pulled.take_next(&mut self.scratch.pulled);
        self.socket.tell(may_have_more);
        if !self.socket.pass_on(&mut self.stream, &mut self.scratch) || !self.stream.sent.is_empty()
        {
            self.turn();
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(usize),
    /// The client sends itself something.
    Say(usize),
    /// It takes so much more.
    Room(usize),
    Turn,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..300_usize).prop_map(Op::Push),
        (0..100_usize).prop_map(Op::Say),
        (0..600_usize).prop_map(Op::Room),
        Just(Op::Turn),
        Just(Op::Turn),
    ]
}

proptest! {
    /// What was pulled before the turn, and passed on as it is, makes no difference.
    #[test]
    fn the_client_gets_the_same_whatever_was_pulled_before(ops in vec(op(), 0..60)) {
        let (mut plain, mut ahead) = (World::new(), World::new());
        for (index, op) in ops.into_iter().enumerate() {
            for (world, is_ahead) in [(&mut plain, false), (&mut ahead, true)] {
                match op {
                    Op::Push(size) => world.push(&format!("{index} {}", "x".repeat(size))),
                    Op::Say(size) => world.say(&format!("bob:{index} {}", "y".repeat(size))),
                    Op::Room(size) => world.stream.room += size,
                    Op::Turn if is_ahead => world.turn_ahead(),
                    Op::Turn => world.turn(),
                }
            }
        }
        for world in [&mut plain, &mut ahead] {
            world.stream.room = usize::MAX;
            world.turn();
        }
        prop_assert_eq!(plain.stream.received, ahead.stream.received);
    }
}

/// RFC 6455, 5.5.3: of several pings the last may be answered alone. It is, as soon as there is room,
/// even if nothing more comes from the client.
#[test]
fn the_last_ping_is_answered() {
    let mut world = World::new();
    let start = world.stream.received.len();
    world.stream.room = 0;
    for payload in b'a'..=b't' {
        world.stream.sent.extend([0x89, 0x80 | 100, 0, 0, 0, 0]);
        world.stream.sent.extend([payload; 100]);
    }
    world.turn_as_told();
    assert!(world.stream.sent.is_empty());
    world.stream.room = usize::MAX;
    world.turn_as_told();
    let pongs: Vec<_> = world.stream.received[start..].chunks(102).collect();
    assert!(pongs.iter().all(|pong| pong[..2] == [0x8A, 100]));
    assert_eq!(pongs.last().expect("some were answered")[2..], [b't'; 100]);
    assert!(pongs.len() < 20);
}
