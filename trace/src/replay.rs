//! The reading end: the day again.

use alloc::sync::Arc;
use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use switchboard_core::{
    ConnId, Frame, Hub, HubState, Input, Instant, Output, Payload, Refused, RestoreError,
};

use crate::{
    Block, Body, Checkpoint, Content, Digest, Header, Op, digest::Digester, op::possible_size,
};

/// A message of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number among all inputs of the recording, from one on. Zero if it is older than that.
    pub number: u64,
    #[serde(deserialize_with = "possible_size")]
    size: usize,
    hash: u64,
    bytes: Option<Arc<[u8]>>,
}

impl Message {
    fn new(number: u64, body: Body<'_>) -> Self {
        let bytes = if let Body::Whole(bytes) = body { Some(bytes.into()) } else { None };
        Self { number, size: body.size(), hash: body.hash(), bytes }
    }

    /// One that waits to be read when a recording goes on in another file.
    pub(crate) fn older(body: Body<'_>) -> Self {
        Self::new(0, body)
    }

    /// What it consists of, if the recording has all of it.
    pub fn whole(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }
}

impl Payload for Message {
    fn size(&self) -> usize {
        self.size
    }
}

impl Content for Message {
    fn bytes(&self) -> &[u8] {
        self.whole().unwrap_or_default()
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// Looks on while a recording is replayed. Each part is optional.
pub trait Observer {
    /// Before the hub is fed.
    fn input(&mut self, hub: &Hub<Message>, now: Instant, input: &Input<'_, Message>) {
        let _ = (hub, now, input);
    }

    /// After it was fed.
    fn fed(&mut self, hub: &Hub<Message>, now: Instant) {
        let _ = (hub, now);
    }

    /// After a connection has come, or has been turned away.
    fn connected(&mut self, now: Instant, conn: Result<ConnId, Refused>) {
        let _ = (now, conn);
    }

    /// The hub has put this out.
    fn output(&mut self, now: Instant, output: &Output<Message>) {
        let _ = (now, output);
    }

    /// A connection was given this to write.
    fn frame(&mut self, now: Instant, conn: ConnId, frame: &Frame<Message>) {
        let _ = (now, conn, frame);
    }
}

impl Observer for () {}

/// A hub to which everything happens again.
pub struct Replay {
    header: Header,
    hub: Hub<Message>,
    now: Instant,
    inputs: u64,
    digester: Digester,
}

/// A block cannot be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// What it holds are no operations, although it is what was written.
    Malformed {
        /// Where the block begins in the file.
        at: usize,
    },
    /// The hub told something else than it did when it was recorded.
    Diverged {
        /// Where the block begins in the file.
        at: usize,
        /// What it told then.
        recorded: Digest,
        /// What it has told now.
        replayed: Digest,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { at } => {
                write!(f, "the block at byte {at} was written by a broken or another program")
            }
            Self::Diverged { at, recorded, replayed } => write!(
                f,
                "in the block at byte {at} the hub told something else than when it was recorded: \
                 {replayed}, not {recorded}; was it recorded by another version?"
            ),
        }
    }
}

impl core::error::Error for ReplayError {}

impl Replay {
    pub(crate) fn new(header: Header) -> Self {
        // The seed makes no difference.
        let hub = Hub::new(header.config.clone(), 0, header.start);
        let now = header.start;
        Self { header, hub, now, inputs: 0, digester: Digester::default() }
    }

    /// From a hub's state on, which has the header's settings, too.
    pub(crate) fn go_on(header: Header, state: HubState<Message>) -> Result<Self, RestoreError> {
        let digester = Digester::go_on(state.connections());
        let now = state.now();
        let hub = Hub::restore(state, 0)?;
        Ok(Self { header, hub, now, inputs: 0, digester })
    }

    /// How the recording began.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The hub, as it is now.
    pub fn hub(&self) -> &Hub<Message> {
        &self.hub
    }

    /// The hub's time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How many inputs there were.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// What everybody has been told so far.
    pub fn digest(&self) -> Digest {
        self.digester.digest()
    }

    /// Replays a block.
    ///
    /// # Errors
    /// It cannot be, and what follows it cannot either.
    pub fn play(
        &mut self,
        block: Block<'_>,
        observer: &mut impl Observer,
    ) -> Result<(), ReplayError> {
        let Block { at, bytes } = block;
        let malformed = |_| ReplayError::Malformed { at };
        let (checkpoint, mut rest): (Checkpoint, _) =
            postcard::take_from_bytes(bytes).map_err(malformed)?;
        for _ in 0..checkpoint.ops {
            let (op, behind) = postcard::take_from_bytes(rest).map_err(malformed)?;
            rest = behind;
            self.step(op, observer);
        }
        let replayed = self.digest();
        if !rest.is_empty() {
            return Err(ReplayError::Malformed { at });
        }
        if replayed != checkpoint.digest {
            return Err(ReplayError::Diverged { at, recorded: checkpoint.digest, replayed });
        }
        Ok(())
    }

    fn step(&mut self, op: Op<'_>, observer: &mut impl Observer) {
        match op {
            Op::Input { after, input } => self.input(after, &input, observer),
            Op::Outputs { times } => {
                for _ in 0..times {
                    let Some(output) = self.hub.poll_output() else { break };
                    self.digester.output(Some(&output));
                    observer.output(self.now, &output);
                }
            }
            Op::Frames { conn, times } => {
                for _ in 0..times {
                    let Some(frame) = self.hub.poll_frame(conn) else { break };
                    self.digester.frame(conn, Some(&frame));
                    observer.frame(self.now, conn, &frame);
                }
            }
        }
    }

    fn input(&mut self, after: u64, input: &Input<'_, Body<'_>>, observer: &mut impl Observer) {
        self.inputs += 1;
        self.now = self.now + Duration::from_micros(after);
        let number = self.inputs;
        let input = input.map_payload_ref(|body| Message::new(number, *body));
        observer.input(&self.hub, self.now, &input);
        match input {
            Input::Connect { address } => {
                let connected = self.hub.connect(self.now, address);
                if let Ok(conn) = connected {
                    self.digester.connected(conn);
                }
                observer.connected(self.now, connected);
            }
            Input::Disconnected { conn } => {
                self.hub.handle(self.now, Input::Disconnected { conn });
                self.digester.disconnected(conn);
            }
            input => self.hub.handle(self.now, input),
        }
        observer.fed(&self.hub, self.now);
    }
}

/// What it has come to, the same wherever it is replayed: a line for each figure.
impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = self.hub.stats();
        writeln!(f, "inputs     {}", self.inputs)?;
        writeln!(
            f,
            "messages   {} taken, {} delivered, {} missed",
            stats.accepted, stats.delivered, stats.missed
        )?;
        writeln!(f, "digest     {}", self.digest())
    }
}
