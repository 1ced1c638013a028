//! Decides when all threads go on to the next phase, and adds up what they have seen.

use std::{
    io,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use mio::Poll;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use super::{
    clock,
    progress::Progress,
    recorder::Recorder,
    report::Facts,
    shared::{Phase, Shared},
    worker::Worker,
};

/// What there is in the end.
pub(super) struct Conducted {
    recorder: Recorder,
    connect_time: u64,
    cpu: u64,
    is_interrupted: bool,
}

/// Has a thread for each poll go through all phases.
///
/// # Errors
/// Why there was no run, in a line.
pub(super) fn conduct(
    shared: &Shared,
    polls: Vec<Poll>,
    is_quiet: bool,
) -> Result<Conducted, String> {
    let cannot = |error: io::Error| format!("cannot go on: {error}");
    let is_interrupted = catch_signals().map_err(cannot)?;
    let mut progress = Progress::new(is_quiet);
    let conducted = thread::scope(|scope| {
        let mut threads = Vec::new();
        for (number, poll) in polls.into_iter().enumerate() {
            let run = move || {
                let ended = Worker::new(number, poll, shared).and_then(Worker::run);
                ended.inspect_err(|error| shared.fail(format!("cannot go on: {error}")))
            };
            threads.push(scope.spawn(run));
        }
        let times = go_through_phases(shared, &is_interrupted, &mut progress);
        // Whatever happened, the threads are to end.
        let last = if shared.failure().is_some() { Phase::End } else { Phase::Close };
        shared.enter(last).map_err(cannot)?;
        let (connect_time, cpu) = times.map_err(cannot)?;
        let recorder = add_up(threads).map_err(cannot)?;
        let is_interrupted = is_interrupted.load(SeqCst);
        Ok(Conducted { recorder, connect_time, cpu, is_interrupted })
    });
    progress.end();
    match shared.failure() {
        Some(why) => Err(why),
        None => conducted,
    }
}

/// Returns how long it took to log in, and the processor time from then on.
fn go_through_phases(
    shared: &Shared,
    is_interrupted: &AtomicBool,
    progress: &mut Progress,
) -> io::Result<(u64, u64)> {
    let is_over = || is_interrupted.load(SeqCst) || shared.failure().is_some();
    let mut wait_while = |phase: Phase, goes_on: &mut dyn FnMut() -> bool| {
        while shared.failure().is_none() && goes_on() {
            progress.show(phase, shared);
            thread::park_timeout(LOOK);
        }
    };

    let begun = shared.clock.now();
    let is_logging_in = || shared.logged_in.load(SeqCst) < shared.plan.users;
    wait_while(Phase::Connect, &mut || is_logging_in() && !is_over());
    let connect_time = shared.clock.now() - begun;
    let cpu = clock::process_cpu();
    if is_over() {
        return Ok((connect_time, 0));
    }

    shared.enter(Phase::Run)?;
    let is_sending = || {
        shared.finished.load(SeqCst) < shared.plan.threads && shared.alive_count.load(SeqCst) > 0
    };
    wait_while(Phase::Run, &mut || is_sending() && !is_over());

    shared.enter(Phase::Drain)?;
    let mut received = (0, shared.clock.now());
    wait_while(Phase::Drain, &mut || {
        let now = shared.clock.now();
        let so_far = shared.received.load(SeqCst);
        if so_far != received.0 {
            received = (so_far, now);
        }
        let has_all = so_far >= shared.expected.load(SeqCst);
        let is_published = shared.finished.load(SeqCst) == shared.plan.threads;
        let has_hope = shared.alive_count.load(SeqCst) > 0 && now - received.1 < shared.timeout;
        has_hope && !(has_all && is_published)
    });
    Ok((connect_time, clock::process_cpu() - cpu))
}

/// How often the phases are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The first Ctrl-C or SIGTERM sets the flag, the second ends the process.
fn catch_signals() -> io::Result<Arc<AtomicBool>> {
    let is_interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Before the flag is set: so the first signal does not end it.
        flag::register_conditional_shutdown(signal, 128 + signal, is_interrupted.clone())?;
        flag::register(signal, is_interrupted.clone())?;
    }
    Ok(is_interrupted)
}

fn add_up(threads: Vec<ScopedJoinHandle<'_, io::Result<Recorder>>>) -> io::Result<Recorder> {
    let mut sum = Recorder::new();
    for thread in threads {
        let recorder = thread.join().map_err(|_| io::Error::other("a thread panicked"))??;
        sum.add(&recorder);
    }
    Ok(sum)
}

impl Conducted {
    /// What a report needs.
    pub(super) fn facts(
        self,
        url: String,
        message_bytes: usize,
        shared: &Shared,
    ) -> (Facts, Recorder) {
        let facts = Facts {
            url,
            message_bytes,
            logged_in: shared.logged_in.load(SeqCst),
            connect_time: self.connect_time,
            measured_from: shared.start.load(SeqCst) + shared.plan.warmup,
            cpu: self.cpu,
            is_interrupted: self.is_interrupted,
        };
        (facts, self.recorder)
    }
}
