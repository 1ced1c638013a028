//! The asynchronous adapter, with memory in place of sockets.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    sync::{Arc, Mutex},
};

use switchboard::{
    exchange::{Exchange, Extension, Next, Signal},
    line::Pulled,
    nonblocking::{Scratch, Socket, Turn},
    peer::PeerConfig,
};
use switchboard_core::ConnId;

/// Turns between looks at what else there is.
const TURNS_AT_ONCE: usize = 32;

/// The client of a connection, and the stream to it.
pub(crate) trait Client: Read + Write {
    /// Whether there is something to read.
    fn has_sent(&self) -> bool;

    /// How many messages it has heard since it was asked last.
    fn take_heard(&mut self) -> usize;
}

/// A connection of a worker.
#[derive(Clone)]
pub(crate) struct Place {
    ready: Arc<Mutex<Vec<usize>>>,
    seat: usize,
}

impl Signal for Place {
    fn ready(&self) {
        self.ready.lock().expect("no panic").push(self.seat);
    }

    fn cut(&self) {}
}

/// A thread's share of the connections, served as the asynchronous adapter does.
pub(crate) struct Worker<'a, C> {
    exchange: &'a Exchange<Place>,
    pub(crate) seats: Vec<Seat<C>>,
    ready: Arc<Mutex<Vec<usize>>>,
    by_hub: VecDeque<usize>,
    by_socket: VecDeque<usize>,
    pulled: Pulled,
    scratch: Scratch,
    pub(crate) heard: usize,
}

pub(crate) struct Seat<C> {
    conn: ConnId,
    socket: Socket,
    pub(crate) client: C,
    is_queued: bool,
}

impl<'a, C: Client> Worker<'a, C> {
    pub(crate) fn new(exchange: &'a Exchange<Place>) -> Self {
        Self {
            exchange,
            seats: Vec::new(),
            ready: Arc::default(),
            by_hub: VecDeque::new(),
            by_socket: VecDeque::new(),
            pulled: Pulled::default(),
            scratch: Scratch::default(),
            heard: 0,
        }
    }

    pub(crate) fn connect(&mut self, client: C, config: &Arc<PeerConfig>) {
        let seat = self.seats.len();
        let signal = Place { ready: Arc::clone(&self.ready), seat };
        let conn = self.exchange.connect(signal, None).expect("there is room");
        let socket = Socket::new(Arc::clone(config), None);
        self.seats.push(Seat { conn, socket, client, is_queued: false });
        self.look(seat);
    }

    /// A client may have sent something.
    pub(crate) fn look(&mut self, seat: usize) {
        if !std::mem::replace(&mut self.seats[seat].is_queued, true) {
            self.by_socket.push_back(seat);
        }
    }

    /// What a shard does between two waits. Returns whether there was anything to do.
    pub(crate) fn work(&mut self) -> bool {
        for seat in self.ready.lock().expect("no panic").drain(..) {
            self.seats[seat].socket.tell(true);
            if !std::mem::replace(&mut self.seats[seat].is_queued, true) {
                self.by_hub.push_back(seat);
            }
        }
        let is_driven = self.by_hub.len() < TURNS_AT_ONCE && self.exchange.drive() == Next::Again;
        let turns = self.by_socket.len().max(self.by_hub.len()).min(TURNS_AT_ONCE);
        let next = self.by_hub.iter().take(turns).map(|seat| &self.seats[*seat]);
        let conns = next.map(|seat| seat.socket.writes().then_some(seat.conn));
        self.exchange.pull_each(conns, &mut self.pulled);
        for _ in 0..turns {
            if let Some(seat) = self.by_socket.pop_front() {
                self.turn(seat);
            }
            if let Some(seat) = self.by_hub.pop_front() {
                let may_have_more = self.pulled.take_next(&mut self.scratch.pulled);
                self.seats[seat].socket.tell(may_have_more);
                self.turn(seat);
            }
        }
        turns > 0 || is_driven || !self.ready.lock().expect("no panic").is_empty()
    }

    fn turn(&mut self, index: usize) {
        let Seat { conn, socket, client, is_queued } = &mut self.seats[index];
        *is_queued = false;
        if !socket.pass_on(client, &mut self.scratch) || client.has_sent() {
            let mut line = Extension::new(self.exchange, *conn);
            match socket.turn_with(client, &mut line, &mut self.scratch) {
                Turn::Wait | Turn::Again => {}
                end => panic!("{end:?}"),
            }
        }
        self.heard += client.take_heard();
        if client.has_sent() {
            *is_queued = true;
            self.by_socket.push_back(index);
        }
    }
}

/// A masked frame with a text.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).expect("a short text")];
    frame.extend(mask);
    frame.extend(text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
