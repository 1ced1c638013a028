//! What is going to happen in a world, as data.

use std::{fmt, net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};
use switchboard_core::{Config, Denial, Fault};

/// Of the file's form.
const VERSION: u32 = 1;

/// A world's settings, and all that happens in it that is not a consequence of something else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    version: u32,
    /// What it was drawn from.
    pub seed: u64,
    /// The hub's settings.
    pub config: Config,
    /// Whether the model is played beside the hub.
    pub beside: bool,
    /// Whether the adapter has a bug that must be found.
    pub canary: bool,
    pub(crate) adapter: Adapter,
    pub(crate) actors: Vec<Actor>,
    /// In the order of their times.
    #[serde(skip)]
    pub(crate) steps: Vec<Step>,
}

/// How the adapter goes about its work.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Adapter {
    /// Outputs that it takes in one go.
    pub(crate) outputs: usize,
    /// How long until the next go, in microseconds.
    pub(crate) pause: u64,
    /// Frames that it pulls for a connection in one go.
    pub(crate) frames: usize,
    /// How long until it does, and until the next go, in microseconds.
    pub(crate) slow: u64,
    /// How late it is for a deadline, in microseconds.
    pub(crate) late: u64,
}

/// A client's program and its link.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Actor {
    pub(crate) uid: usize,
    pub(crate) address: Option<IpAddr>,
    /// One way, in microseconds.
    pub(crate) latency: u64,
    /// Frames that fit into its sockets.
    pub(crate) room: usize,
    pub(crate) temper: Temper,
    /// What becomes of its credential, if it is asked for one.
    pub(crate) verdict: Checked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Temper {
    pub(crate) logs_in: bool,
    pub(crate) answers_pings: bool,
    /// Answers a close frame.
    pub(crate) says_goodbye: bool,
    /// How long after an end it connects again, in microseconds.
    pub(crate) returns: Option<u64>,
}

/// How long a verdict takes, in microseconds, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Checked {
    Accepted { after: u64 },
    Denied { after: u64, why: Denial },
    Never,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// In microseconds.
    pub(crate) at: u64,
    pub(crate) what: What,
}

/// The numbers are those of actors, uids and groups.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum What {
    Connect(usize),
    Say(usize, To, usize),
    Join(usize, usize),
    Leave(usize, usize),
    Stall(usize),
    Resume(usize),
    /// The connection breaks.
    Lose(usize),
    /// The client closes it.
    Close(usize),
    /// A message that no dialect accepts.
    Fault(usize, Fault),
    /// One that this dialect does not.
    Nonsense(usize),
    /// A second login.
    LogIn(usize),
    /// A ping, or a part of a message.
    Heard(usize, usize),
    /// A plain HTTP request.
    Call(usize),
    /// A proxy tells the address only now.
    Address(usize),
    Push(To, usize),
    Kick(usize),
    /// The machine sleeps.
    Sleep(Duration),
    /// The adapter's clock is set back.
    SetBack(Duration),
    Shutdown(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum To {
    Everyone,
    User(usize),
    Group(usize),
}

/// Why a file is no plan.
#[derive(Debug)]
pub enum PlanError {
    /// It has nothing in it.
    Empty,
    /// It was written by another version of this program.
    Version(u32),
    /// A line is not what it should be.
    Line {
        /// Its number, from 1.
        number: usize,
        /// What is wrong.
        why: serde_json::Error,
    },
    /// A step is about somebody who is not there.
    Actor {
        /// The step's line.
        number: usize,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty file"),
            Self::Version(version) => write!(f, "version {version}, where {VERSION} is known"),
            Self::Line { number, why } => write!(f, "line {number}: {why}"),
            Self::Actor { number } => write!(f, "line {number}: there is no such client"),
        }
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    pub(crate) fn new(
        seed: u64,
        config: Config,
        beside: bool,
        adapter: Adapter,
        actors: Vec<Actor>,
        steps: Vec<Step>,
    ) -> Self {
        let canary = false;
        Self { version: VERSION, seed, config, beside, canary, adapter, actors, steps }
    }

    /// How many steps it has.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The same with other steps.
    pub(crate) fn with_steps(&self, steps: Vec<Step>) -> Self {
        let Self { version, seed, ref config, beside, canary, adapter, ref actors, .. } = *self;
        let (config, actors) = (config.clone(), actors.clone());
        Self { version, seed, config, beside, canary, adapter, actors, steps }
    }

    /// The same without clients that no step is about. The others get new numbers.
    pub(crate) fn without_idle_actors(&self) -> Self {
        let mut plan = self.clone();
        let is_used = |number| self.steps.iter().any(|step| step.what.actor() == Some(number));
        let used: Vec<usize> = (0..self.actors.len()).filter(|number| is_used(*number)).collect();
        plan.actors = used.iter().map(|number| self.actors[*number]).collect();
        for step in &mut plan.steps {
            if let Some(actor) = step.what.actor_mut() {
                *actor = used.partition_point(|number| *number < *actor);
            }
        }
        plan
    }

    /// A line for what is given, and one for each step.
    ///
    /// # Panics
    /// Never: it is all numbers and names.
    pub fn to_text(&self) -> String {
        let line = |json: serde_json::Result<String>| json.expect("it has a form in JSON") + "\n";
        let mut text = line(serde_json::to_string(self));
        for step in &self.steps {
            text += &line(serde_json::to_string(step));
        }
        text
    }

    /// Reads [`to_text`](Self::to_text) back.
    ///
    /// # Errors
    /// Says which line is wrong.
    pub fn from_text(text: &str) -> Result<Self, PlanError> {
        let mut lines = (1..).zip(text.lines());
        let (number, first) = lines.next().ok_or(PlanError::Empty)?;
        let mut plan: Self =
            serde_json::from_str(first).map_err(|why| PlanError::Line { number, why })?;
        if plan.version != VERSION {
            return Err(PlanError::Version(plan.version));
        }
        for (number, line) in lines {
            let step: Step =
                serde_json::from_str(line).map_err(|why| PlanError::Line { number, why })?;
            if step.what.actor().is_some_and(|actor| actor >= plan.actors.len()) {
                return Err(PlanError::Actor { number });
            }
            plan.steps.push(step);
        }
        Ok(plan)
    }
}

impl What {
    /// Whose doing it is.
    fn actor(mut self) -> Option<usize> {
        self.actor_mut().copied()
    }

    fn actor_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Connect(actor)
            | Self::Say(actor, ..)
            | Self::Join(actor, _)
            | Self::Leave(actor, _)
            | Self::Stall(actor)
            | Self::Resume(actor)
            | Self::Lose(actor)
            | Self::Close(actor)
            | Self::Fault(actor, _)
            | Self::Nonsense(actor)
            | Self::LogIn(actor)
            | Self::Heard(actor, _)
            | Self::Call(actor)
            | Self::Address(actor) => Some(actor),
            Self::Push(..)
            | Self::Kick(_)
            | Self::Sleep(_)
            | Self::SetBack(_)
            | Self::Shutdown(_) => None,
        }
    }
}
