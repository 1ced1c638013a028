//! `switchboard bench`: load for a server that speaks the text dialect, and what it shows.
//!
//! Each thread ([`worker`]) has a share of the users and one poll for their sockets. Which message is
//! sent when, and by whom, follows from its number ([`plan`]), so threads need not agree. A message
//! carries when it was due ([`message`]): whoever receives it can tell how long it took, and which of
//! the messages on the way ([`flights`]) it is. The calling thread is the [`conductor`]: it decides
//! when all go on to the next phase.

mod arguments;
mod clock;
mod conductor;
mod connection;
mod ears;
mod flights;
mod frames;
mod handshake;
mod message;
mod plan;
mod progress;
mod recorder;
mod report;
mod sealed;
mod sender;
mod shared;
mod sources;
mod target;
mod text;
mod timer;
mod worker;

use std::{
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    process::ExitCode,
};

use mio::{Poll, Waker};

pub(super) use arguments::Arguments;

use connection::Door;
use plan::{Length, Pace, Plan};
use report::Report;
use sealed::Trust;
use shared::{Setup, Shared};

/// Returns the process's exit code: 0 if all went well, 1 if something got lost, 2 if nothing could
/// be measured.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    let is_json = arguments.json;
    let printed = measure(&arguments).and_then(|report| {
        let text = if is_json {
            serde_json::to_string_pretty(&report).map(|json| json + "\n")
        } else {
            Ok(report.to_string())
        };
        let text = text.map_err(|error| error.to_string())?;
        let written = io::stdout().write_all(text.as_bytes());
        written.map_err(|error| format!("cannot write to standard output: {error}"))?;
        Ok(report.is_clean())
    });
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("switchboard: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Report, String> {
    let threads = arguments.threads();
    let share = arguments.share()?;
    find_room(arguments.users, threads)?;
    let trust = arguments.target.is_secure.then(|| Trust::new(arguments)).transpose()?;
    let timeout = arguments.timeout;
    let key = tungstenite::handshake::client::generate_key();
    let door = Door {
        address: arguments.target.resolve(timeout)?,
        sources: arguments.sources(),
        trust,
        request: handshake::request(&arguments.target, &key),
        key,
    };
    check_family(&door)?;
    let seed = RandomState::new().hash_one(std::process::id());
    let run = seed as u32;
    let default_prefix = || format!("bench-{run:08x}-");
    let setup = Setup {
        plan: plan(arguments, share, threads, seed),
        run,
        prefix: arguments.prefix.clone().unwrap_or_else(default_prefix),
        size: arguments.size,
        connect_rate: arguments.connect_rate,
        connect_concurrency: arguments.connect_concurrency,
        timeout: clock::nanos(timeout),
        door,
        wakers: Vec::new(),
    };
    let cannot = |error: io::Error| format!("cannot start: {error}");
    let (polls, wakers) = polls(threads).map_err(cannot)?;
    let shared = Shared::new(Setup { wakers, ..setup });
    let conducted = conductor::conduct(&shared, polls, arguments.quiet)?;
    let (url, message_bytes) = (arguments.target.to_string(), arguments.size);
    let (facts, recorder) = conducted.facts(url, message_bytes, &shared);
    Ok(Report::new(&shared.plan, facts, &recorder))
}

fn plan(arguments: &Arguments, share: f64, threads: usize, seed: u64) -> Plan {
    Plan {
        users: arguments.users,
        threads,
        seed,
        share,
        pace: arguments.rate.map_or(Pace::InFlight(arguments.in_flight), Pace::Rate),
        length: arguments
            .messages
            .map_or(Length::Time(clock::nanos(arguments.duration)), Length::Messages),
        warmup: clock::nanos(arguments.warmup),
    }
}

/// Files that are open besides the connections: standard ones, signals, a poll, its waker and its
/// timer for each thread, and some that libraries may have.
const OTHER_FILES: usize = 24;
const FILES_PER_THREAD: usize = 3;

/// Each connection takes a file descriptor. What is not allowed cannot be had.
fn find_room(users: usize, threads: usize) -> Result<(), String> {
    let allowed = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    let needed = (users + OTHER_FILES + threads * FILES_PER_THREAD) as u64;
    match needed.saturating_sub(allowed) {
        0 => Ok(()),
        missing => Err(format!(
            "{users} users need {needed} open files, and {allowed} are allowed: {missing} are \
             missing; raise ulimit -n"
        )),
    }
}

fn check_family(door: &Door) -> Result<(), String> {
    let address = door.address;
    let unfit = door.sources.iter().find(|source| source.is_ipv4() != address.is_ipv4());
    match unfit {
        None => Ok(()),
        Some(source) => {
            Err(format!("--source {source}: {address} cannot be reached from there; see --help"))
        }
    }
}

fn polls(threads: usize) -> io::Result<(Vec<Poll>, Vec<Waker>)> {
    let polls: Vec<Poll> = (0..threads).map(|_| Poll::new()).collect::<io::Result<_>>()?;
    let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), worker::WAKER));
    let wakers = wakers.collect::<io::Result<_>>()?;
    Ok((polls, wakers))
}
