//! Progress, on standard error, if that is a terminal.

use std::sync::atomic::Ordering::SeqCst;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    clock,
    plan::{Length, Plan},
    shared::{Phase, Shared},
};

pub(super) struct Progress {
    bar: ProgressBar,
    phase: Option<Phase>,
    /// When the speed was last told, how many had been received then, and the speed.
    told: (u64, u64, u64),
}

impl Progress {
    pub(super) fn new(is_quiet: bool) -> Self {
        let target =
            if is_quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{prefix:10} {wide_bar} {msg}");
        bar.set_style(style.expect("a template"));
        Self { bar, phase: None, told: (0, 0, 0) }
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, phase: Phase, shared: &Shared) {
        if self.bar.is_hidden() {
            return;
        }
        let now = shared.clock.now();
        if self.phase != Some(phase) {
            self.phase = Some(phase);
            self.told = (now, shared.received.load(SeqCst), 0);
        }
        let (name, length, position, message) = match phase {
            Phase::Connect => {
                let (done, users) = (shared.logged_in.load(SeqCst), shared.plan.users);
                ("logging in", users as u64, done as u64, format!("{done} of {users}"))
            }
            Phase::Run => {
                let (length, position) = run(&shared.plan, shared, now);
                let is_warm = now >= shared.start.load(SeqCst) + shared.plan.warmup;
                let mut speed = || format!("{} messages/s", self.speed(now, shared));
                let (name, speed) =
                    if is_warm { ("sending", speed()) } else { ("warming up", String::new()) };
                (name, length, position, speed)
            }
            _ => {
                let (received, expected) =
                    (shared.received.load(SeqCst), shared.expected.load(SeqCst));
                ("receiving", expected, received, format!("{received} of {expected}"))
            }
        };
        self.bar.set_prefix(name);
        self.bar.set_length(length);
        self.bar.set_position(position);
        self.bar.set_message(message);
    }

    /// Deliveries a second, in the last half of one.
    fn speed(&mut self, now: u64, shared: &Shared) -> u64 {
        let (since, before, speed) = self.told;
        let time = clock::seconds(now - since);
        if time < 0.5 {
            return speed;
        }
        let received = shared.received.load(SeqCst);
        let speed = ((received - before) as f64 / time) as u64;
        self.told = (now, received, speed);
        speed
    }

    /// Leaves no trace.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn run(plan: &Plan, shared: &Shared, now: u64) -> (u64, u64) {
    match plan.length {
        Length::Messages(count) => (count, shared.sent.load(SeqCst)),
        Length::Time(time) => {
            let passed = now.saturating_sub(shared.start.load(SeqCst));
            (plan.warmup + time, passed)
        }
    }
}
