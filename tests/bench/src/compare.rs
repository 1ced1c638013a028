//! `cargo run --release --package switchboard-bench`: what the adapters cost, beside the bare reference
//! and, if asked for, other servers. See `--help`.
//!
//! Each server runs pinned to one core, the clients on another. The figure is the processor time that
//! the server took, in user mode and in the kernel, for each message that a client heard; what counts
//! is its ratio to the reference in the same run. Each server runs beside the reference, and the two
//! have a short turn after the other, many times over: what else happens on the machine meets both.

mod crowd;
mod latency;
mod scenario;
mod server;

use std::{env, path::Path, process::Command, time::Duration};

use crowd::Crowd;
use scenario::Scenario;
use server::Server;

const HELP: &str = "\
compare [--rounds N] [--seconds S] [--only WORD] [--idle USERS] [--storm USERS] [NAME=COMMAND ...]

  --rounds N      how many turns each server has (12)
  --seconds S     how long a turn is (1.5)
  --only WORD     servers and scenarios whose name has the word
  --idle USERS    users of the scenario in which nothing happens (19000)
  --storm USERS   users of the scenario in which messages to one meet those to all (15000)
  NAME=COMMAND    another server; ADDRESS in the command is where it shall listen
";

/// A column of the table.
struct Column {
    name: &'static str,
    users: usize,
    what: What,
}

/// What is measured.
#[derive(Clone, Copy)]
enum What {
    /// Processor time.
    Work(Scenario),
    /// Memory, while nothing happens.
    Idle,
    /// How long a message to one takes during a storm.
    Latency,
}

struct Options {
    rounds: usize,
    time: Duration,
    only: Vec<String>,
    idle: usize,
    storm: usize,
    others: Vec<(String, String)>,
}

fn main() {
    let options = options();
    pin_to(1);
    let bin = env::current_exe().expect("a path").parent().expect("a folder").to_path_buf();
    build(&bin);
    let program = |name: &str| bin.join(name).display().to_string();
    let own = |runtime: &str| {
        let program = program("switchboard");
        format!("{program} --listen ADDRESS --log off --ping-interval 0 --runtime {runtime}")
    };
    let mut servers = vec![
        ("reference".to_owned(), format!("{} ADDRESS", program("reference"))),
        ("smol".to_owned(), own("smol")),
        ("blocking".to_owned(), own("blocking")),
    ];
    servers.extend(options.others.iter().cloned());
    let columns = [
        Column {
            name: "broadcast",
            users: 5000,
            what: What::Work(Scenario::Broadcast { on_the_way: 1 }),
        },
        Column {
            name: "broadcast-of-8",
            users: 5000,
            what: What::Work(Scenario::Broadcast { on_the_way: 8 }),
        },
        Column {
            name: "unicast",
            users: 200,
            what: What::Work(Scenario::Unicast { on_the_way: 4 }),
        },
        Column { name: "idle", users: options.idle, what: What::Idle },
        Column { name: "latency", users: options.storm, what: What::Latency },
    ];
    let names = |word: &String| columns.iter().any(|column| column.name == word);
    let (only_columns, only_servers): (Vec<_>, Vec<_>) =
        options.only.iter().partition(|w| names(w));
    let has =
        |only: &[&String], name: &str| only.is_empty() || only.iter().any(|word| *word == name);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("the machine's load before: {}", load.trim());
    let (reference, others) = servers.split_first().expect("there is the reference");
    for column in columns.iter().filter(|column| has(&only_columns, column.name)) {
        if let What::Latency = column.what {
            print_latencies(
                column,
                servers.iter().filter(|(name, _)| has(&only_servers, name)),
                &options,
            );
            continue;
        }
        print_head(column);
        for (index, other) in others.iter().filter(|(name, _)| has(&only_servers, name)).enumerate()
        {
            let [of_reference, of_other] = measure(column, [reference, other], &options);
            let ratios =
                of_other.iter().zip(&of_reference).map(|(figure, reference)| figure / reference);
            let ratios: Vec<f64> = ratios.collect();
            if index == 0 {
                print(&reference.0, &of_reference, &[1.0]);
            }
            print(&other.0, &of_other, &ratios);
        }
    }
}

/// Microseconds of processor time a message in each turn of each server, or KiB of memory a user.
fn measure(column: &Column, servers: [&(String, String); 2], options: &Options) -> [Vec<f64>; 2] {
    let What::Work(scenario) = column.what else {
        return servers.map(|server| vec![idle(column, server)]);
    };
    let mut worlds = servers.map(|(_, command)| {
        let server = Server::start(command);
        let mut crowd = Crowd::log_in(server.address(), column.users);
        scenario.play(&mut crowd, column.users, options.time);
        (server, crowd)
    });
    let mut figures = [Vec::new(), Vec::new()];
    for round in 0..options.rounds {
        for turn in 0..2 {
            // None is always the first, and the first messages of a turn find cold memory.
            let index = (round + turn) % 2;
            let (server, crowd) = &mut worlds[index];
            scenario.play(crowd, column.users, options.time / 4);
            let before = server.cpu();
            let heard = scenario.play(crowd, column.users, options.time);
            figures[index].push((server.cpu() - before).as_secs_f64() * 1e6 / heard as f64);
        }
    }
    figures
}

/// The blocking adapter has two threads for each user.
fn users(column: &Column, server: &str) -> usize {
    if server == "blocking" { column.users.min(5000) } else { column.users }
}

fn idle(column: &Column, (name, command): &(String, String)) -> f64 {
    let server = Server::start(command);
    let before = server.resident_kib();
    let users = users(column, name);
    let _crowd = Crowd::log_in(server.address(), users);
    (server.resident_kib() - before) / users as f64
}

fn print_latencies<'a>(
    column: &Column,
    servers: impl Iterator<Item = &'a (String, String)>,
    options: &Options,
) {
    println!(
        "\nlatency of a message to one, milliseconds: alone, and during a storm of messages to all"
    );
    println!(
        "{:12} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}   a message to all",
        "", "users", "p50", "p99", "p99.9", "p50", "p99", "p99.9"
    );
    for (name, command) in servers {
        let server = Server::start(command);
        let users = users(column, name);
        let time = options.time * u32::try_from(options.rounds).expect("not so many");
        let latency = latency::measure(server.address(), users, time);
        print!("{name:12} {users:6}");
        for times in [latency.alone, latency.in_storm] {
            for quantile in [0.5, 0.99, 0.999] {
                print!(" {:8.2}", times.value_at_quantile(quantile) as f64 / 1e3);
            }
        }
        println!("   {:.0}", latency.walk.as_secs_f64() * 1e3);
    }
}

fn print_head(column: &Column) {
    let unit = if let What::Work(_) = column.what { "us a message" } else { "KiB a user" };
    println!("\n{} ({} users), {unit}", column.name, column.users);
    println!("{:12} {:>8} {:>8} {:>8}   ratio to the reference", "", "median", "least", "most");
}

fn print(name: &str, figures: &[f64], ratios: &[f64]) {
    let [least, median, most] = spread(figures);
    let [least_ratio, median_ratio, most_ratio] = spread(ratios);
    println!(
        "{name:12} {median:8.2} {least:8.2} {most:8.2}   \
         {median_ratio:.2} ({least_ratio:.2} to {most_ratio:.2})"
    );
}

/// The least, the median and the most.
fn spread(figures: &[f64]) -> [f64; 3] {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}

/// The servers, in the same profile as this.
fn build(bin: &Path) {
    let mut cargo = Command::new(env::var("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--quiet", "--package", "switchboard", "--package", "switchboard-bench"]);
    cargo.args(["--bin", "switchboard", "--bin", "reference"]);
    if bin.ends_with("release") {
        cargo.arg("--release");
    } else {
        eprintln!("figures of a debug build mean nothing; use cargo run --release");
    }
    assert!(cargo.status().expect("cargo can be run").success());
}

/// Has this process, and all that it starts, run on one core.
fn pin_to(core: usize) {
    let id = std::process::id().to_string();
    let mut taskset = Command::new("taskset");
    let pinned = taskset.args(["-cp", &core.to_string(), &id]).stdout(std::process::Stdio::null());
    assert!(pinned.status().expect("taskset, of util-linux").success());
}

fn options() -> Options {
    let mut options = Options {
        rounds: 12,
        time: Duration::from_millis(1500),
        only: Vec::new(),
        idle: 19_000,
        storm: 15_000,
        others: Vec::new(),
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| fail(&argument));
        match argument.as_str() {
            "--rounds" => options.rounds = number(&value()),
            "--seconds" => options.time = seconds(&value()),
            "--idle" => options.idle = number(&value()),
            "--storm" => options.storm = number(&value()),
            "--only" => options.only.push(value()),
            "--help" => {
                print!("{HELP}");
                std::process::exit(0);
            }
            _ => match argument.split_once('=') {
                Some((name, command)) => options.others.push((name.into(), command.into())),
                None => fail(&argument),
            },
        }
    }
    options
}

fn number(value: &str) -> usize {
    value.parse().ok().filter(|number| *number > 0).unwrap_or_else(|| fail(value))
}

fn seconds(value: &str) -> Duration {
    let seconds = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).unwrap_or_else(|| fail(value))
}

fn fail(what: &str) -> ! {
    eprint!("cannot make sense of '{what}'\n\n{HELP}");
    std::process::exit(2);
}
