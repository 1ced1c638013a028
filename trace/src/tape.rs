//! The writing end.

use alloc::{boxed::Box, vec::Vec};
use core::mem;

use switchboard_core::{ConnId, Frame, Hub, Input, Instant, Output, Payload, Request};

use crate::{
    Beginning, Body, Checkpoint, Content, Digest, Header, Op,
    digest::Digester,
    file::{self, put_block},
};

/// Bytes of operations that make a block.
const BLOCK: usize = 64 << 10;

/// What is kept of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bodies {
    /// Their sizes and hashes: enough to replay, and nothing that was said in confidence.
    #[default]
    Hashed,
    /// All of them, but for credentials.
    Whole,
}

/// Writes down what happens to a hub.
pub struct Tape {
    bodies: Bodies,
    /// When the hub was fed last.
    now: Instant,
    /// Operations of the next block.
    ops: Vec<u8>,
    count: u64,
    /// Asked the same so many times in a row, which ends where there was nothing: no file can have a
    /// replay ask over and over for nothing.
    run: Option<(Polled, u32)>,
    digester: Digester,
    sink: Box<dyn FnMut(Vec<u8>) + Send>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    Outputs,
    Frames(ConnId),
}

impl Tape {
    /// Records a hub that nothing has happened to yet. `started_at` is the time on the wall, in
    /// microseconds since 1970 (UTC). The file goes to `sink` piece by piece, which must not be
    /// slow: it is called in the middle of everything.
    pub fn new<P: Payload>(
        hub: &Hub<P>,
        start: Instant,
        started_at: u64,
        bodies: Bodies,
        mut sink: impl FnMut(Vec<u8>) + Send + 'static,
    ) -> Self {
        let is_continued = false;
        let header = Header { config: hub.config().clone(), start, started_at, is_continued };
        sink(file::start(&header));
        Self {
            bodies,
            now: start,
            ops: Vec::new(),
            count: 0,
            run: None,
            digester: Digester::default(),
            sink: Box::new(sink),
        }
    }

    /// Goes on in a new file, which needs none of what came before: the hub's state comes first, which
    /// is left to be written. Until now the `sink` has been given all of the old one. Takes time in
    /// proportion to everything in the hub.
    pub(crate) fn go_on<P: Content>(&mut self, hub: &Hub<P>, started_at: u64) -> Beginning<P> {
        self.flush();
        let (config, start) = (hub.config().clone(), self.now);
        let header = Header { config, start, started_at, is_continued: true };
        let state = hub.save();
        self.digester = Digester::go_on(state.connections());
        Beginning { header, state, bodies: self.bodies }
    }

    /// What everybody has been told so far.
    pub(crate) fn digest(&self) -> Digest {
        self.digester.digest()
    }

    /// Before it is fed.
    pub(crate) fn input<P: Content>(&mut self, now: Instant, input: &Input<'_, P>) {
        let bodies = match input {
            // Whoever has one can log in with it.
            Input::Request { request: Request::Authenticate(_), .. } => Bodies::Hashed,
            _ => self.bodies,
        };
        let input = input.map_payload_ref(|payload| body(payload, bodies));
        let now = now.max(self.now);
        let after = now.as_micros() - self.now.as_micros();
        self.now = now;
        self.end_run();
        self.put(&Op::Input { after, input });
    }

    /// After it was fed that this connection has ended.
    pub(crate) fn disconnected(&mut self, conn: ConnId) {
        self.digester.disconnected(conn);
    }

    pub(crate) fn connected(&mut self, conn: ConnId) {
        self.digester.connected(conn);
    }

    pub(crate) fn output<P: Content>(&mut self, output: Option<&Output<P>>) {
        self.count_poll(Polled::Outputs);
        self.digester.output(output);
        if output.is_none() {
            self.end_run();
        }
    }

    pub(crate) fn frame<P: Content>(&mut self, conn: ConnId, frame: Option<&Frame<P>>) {
        self.count_poll(Polled::Frames(conn));
        self.digester.frame(conn, frame);
        if frame.is_none() {
            self.end_run();
        }
    }

    fn count_poll(&mut self, what: Polled) {
        match &mut self.run {
            Some((same, times)) if *same == what && *times < u32::MAX => *times += 1,
            _ => {
                self.end_run();
                self.run = Some((what, 1));
            }
        }
    }

    /// After it, all that has been written down has been carried out, so that a block may end.
    fn end_run(&mut self) {
        match self.run.take() {
            None => {}
            Some((Polled::Outputs, times)) => self.put(&Op::Outputs { times }),
            Some((Polled::Frames(conn), times)) => self.put(&Op::Frames { conn, times }),
        }
        if self.ops.len() >= BLOCK {
            self.end_block();
        }
    }

    fn put(&mut self, op: &Op<'_>) {
        let ops = mem::take(&mut self.ops);
        self.ops = postcard::to_extend(op, ops).expect("memory takes it");
        self.count += 1;
    }

    /// Hands out what has not been yet.
    pub fn flush(&mut self) {
        self.end_run();
        if self.count > 0 {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        let checkpoint = Checkpoint { ops: mem::take(&mut self.count), digest: self.digest() };
        let mut content = file::write(&checkpoint);
        content.append(&mut self.ops);
        let mut block = Vec::with_capacity(content.len() + 8);
        put_block(&mut block, &content);
        (self.sink)(block);
    }
}

/// What is written of a payload.
pub(crate) fn body<P: Content>(payload: &P, bodies: Bodies) -> Body<'_> {
    match bodies {
        Bodies::Whole => Body::Whole(payload.bytes()),
        Bodies::Hashed => Body::Hashed { size: payload.size(), hash: payload.hash() },
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.flush();
    }
}
