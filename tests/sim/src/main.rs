//! `cargo run --release --package switchboard-sim -- --help`

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use switchboard_sim::{Failure, Plan, draw, reached::Reached, run, shrink};

/// Worlds after which every rare path must have been taken.
const ENOUGH: u64 = 20_000;

/// Plays worlds, one for each seed: the hub among clients of every temper and a bad network. Prints what
/// was reached; a world that fails is made as short as it can be and written to a file.
#[derive(Debug, Parser)]
#[command(name = "switchboard-sim")]
struct Arguments {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// Go on with further seeds for so long, such as 10m, instead of a number of seeds
    #[arg(long, value_parser = humantime::parse_duration, conflicts_with = "seeds")]
    time: Option<Duration>,
    /// Worlds at a time
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Where failing worlds are written
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// Play this file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "seeds", "time"])]
    replay: Option<PathBuf>,
    /// Give the adapter a bug, which must be found: when a full socket has room again, it is forgotten
    /// that there is more to pull
    #[arg(long)]
    canary: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.replay {
        Some(file) => replay(file),
        None => explore(&arguments),
    }
}

fn replay(file: &Path) -> ExitCode {
    let plan = fs::read_to_string(file).map_err(|error| error.to_string());
    let plan = plan.and_then(|text| Plan::from_text(&text).map_err(|error| error.to_string()));
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return ExitCode::from(2);
        }
    };
    match run(&plan) {
        Ok(report) => {
            println!(
                "{} steps, {} inputs, no failure; {:016x}",
                plan.steps(),
                report.inputs,
                report.digest
            );
            ExitCode::SUCCESS
        }
        Err(Failure(why)) => {
            println!("it fails:\n{why}");
            ExitCode::FAILURE
        }
    }
}

/// What all threads add to.
#[derive(Default)]
struct Total {
    worlds: u64,
    inputs: u64,
    frames: u64,
    reached: Reached,
    failed: Option<(Plan, String)>,
}

fn explore(arguments: &Arguments) -> ExitCode {
    let begin = Instant::now();
    let total = Mutex::new(Total::default());
    let lock = || total.lock().unwrap_or_else(PoisonError::into_inner);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = match arguments.time {
                        Some(time) => begin.elapsed() >= time,
                        None => number >= arguments.seeds,
                    };
                    if is_over {
                        return;
                    }
                    let mut plan = draw(arguments.seed.wrapping_add(number));
                    plan.canary = arguments.canary;
                    match run(&plan) {
                        Ok(report) => {
                            let mut total = lock();
                            total.worlds += 1;
                            total.inputs += report.inputs;
                            total.frames += report.frames;
                            total.reached.add(&report.reached);
                        }
                        Err(Failure(why)) => {
                            stop.store(true, Ordering::Relaxed);
                            lock().failed.get_or_insert((plan, why));
                        }
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((plan, why)) = &total.failed {
        return tell_failure(arguments, plan, why, &total);
    }
    report(&total, begin.elapsed())
}

fn tell_failure(arguments: &Arguments, plan: &Plan, why: &str, total: &Total) -> ExitCode {
    println!("seed {} fails, after {} worlds:\n{why}\n", plan.seed, total.worlds);
    let short = shrink(plan);
    let Err(Failure(why)) = run(&short) else { unreachable!("it was failing before") };
    let file = arguments.out.join(format!("sim-{}.jsonl", plan.seed));
    println!("{} of its {} steps are enough:\n{why}\n", short.steps(), plan.steps());
    match fs::write(&file, short.to_text()) {
        Ok(()) => println!("again: --replay {}", file.display()),
        Err(error) => eprintln!("cannot write {}: {error}", file.display()),
    }
    ExitCode::FAILURE
}

fn report(total: &Total, time: Duration) -> ExitCode {
    for (label, count) in total.reached.iter() {
        println!("{count:>12}  {label}");
    }
    let seconds = time.as_secs_f64();
    println!(
        "{} worlds, {} inputs and {} frames in {seconds:.1} s, {:.0} inputs a second; no failure",
        total.worlds,
        total.inputs,
        total.frames,
        total.inputs as f64 / seconds
    );
    let missing = total.reached.missing();
    if total.worlds >= ENOUGH && !missing.is_empty() {
        println!("never reached, so not tested:");
        missing.iter().for_each(|label| println!("  {label}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
