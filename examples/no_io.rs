//! The hub without any I/O: events in, decisions out.
//!
//! There is no socket, no clock and no thread here. A script says what clients do and when; what
//! the hub decides is printed beside it. All of routing can be tested like this, a login timeout
//! without waiting for it. An adapter adds sockets that the events come from, and a clock.

use std::time::Duration;

use switchboard_core::text::{self, Printed};
use switchboard_core::{Config, ConnId, Event, Hub, Input, Instant, Output, Refused};

/// What a client does.
#[derive(Debug)]
enum Action {
    Connects,
    Sends(&'static str),
    StopsReading,
    ReadsAgain,
    HangsUp,
}
use Action::{Connects, HangsUp, ReadsAgain, Sends, StopsReading};

/// At which second which client does what.
const SCRIPT: &[(u64, &str, Action)] = &[
    (0, "alice", Connects),
    (0, "alice", Sends("alice")),
    (0, "bob", Connects),
    (0, "bob", Sends("bob")),
    (1, "alice", Sends("bob:hello")),
    (1, "bob", Sends("all:hello all")),
    (1, "bob", Sends("carol:hello")),
    // A second login as bob takes the place of the first.
    (2, "phone", Connects),
    (2, "phone", Sends("bob")),
    (2, "bob", HangsUp),
    (2, "alice", Sends("bob:which one?")),
    // Two messages to everybody are kept for slow readers, and here are three.
    (3, "alice", StopsReading),
    (3, "phone", Sends("all:one")),
    (3, "phone", Sends("all:two")),
    (3, "phone", Sends("all:three")),
    (4, "alice", ReadsAgain),
    // Never logs in, nor hangs up when told to go.
    (5, "mallory", Connects),
    (20, "phone", HangsUp),
];

fn main() -> Result<(), Refused> {
    let mut config = Config::default();
    config.everyone_ring.entries = 2;
    let mut hub = Hub::new(config, 0, Instant::ZERO);
    let mut clients: Vec<Client> = Vec::new();
    println!("time  {:32}what the hub decides", "what happens");
    for (second, name, action) in SCRIPT {
        let now = Instant::ZERO + Duration::from_secs(*second);
        // From deadline to deadline: nobody waits for a time limit in virtual time.
        while let Some(due) = hub.poll_timeout().filter(|due| due.at <= now) {
            hub.handle(due.at, Input::Timeout);
            let what = format!("time limit: {:?}", due.why);
            print_row(due.at, &what, &decisions(&mut hub, &clients));
        }
        if let Connects = action {
            let (conn, reads) = (hub.connect(now, None)?, true);
            clients.push(Client { name, conn, reads });
        }
        let known = clients.iter_mut().find(|client| client.name == *name);
        let client = known.expect("the script has clients connect first");
        let conn = client.conn;
        match action {
            Connects => {}
            StopsReading => client.reads = false,
            ReadsAgain => client.reads = true,
            HangsUp => hub.handle(now, Input::Disconnected { conn }),
            Sends(text) => {
                let request = text::parse(hub.stage(conn), text);
                hub.handle(now, Input::Request { conn, request, size: text.len() });
            }
        }
        let decisions = decisions(&mut hub, &clients);
        print_row(now, &format!("{name}: {action:?}"), &decisions);
    }
    Ok(())
}

struct Client {
    name: &'static str,
    conn: ConnId,
    reads: bool,
}

/// An adapter would carry these out. It would pull only for those who are ready, not for all.
fn decisions(hub: &mut Hub<&'static str>, clients: &[Client]) -> Vec<String> {
    let mut decisions = Vec::new();
    let name = |conn| clients.iter().find(|c| c.conn == conn).map_or("somebody", |c| c.name);
    while let Some(output) = hub.poll_output() {
        match output {
            Output::Ready { .. } | Output::Check { .. } => {}
            Output::Drop { conn } => decisions.push(format!("drop {}'s socket", name(conn))),
            Output::Event(Event::LoggedIn { login, .. }) => {
                decisions.push(format!("{} is in", login.uid));
            }
            Output::Event(Event::Closed { conn, reason, .. }) => {
                decisions.push(format!("{} is out: {reason}", name(conn)));
            }
        }
    }
    for &Client { name, conn, .. } in clients.iter().filter(|client| client.reads) {
        while let Some(frame) = hub.poll_frame(conn) {
            decisions.push(match text::print(frame) {
                Printed::Payload(message) => format!("-> {name}: {message}"),
                Printed::Line(line) => format!("-> {name}: {line}"),
                Printed::Ping => format!("-> {name}: ping"),
                Printed::Close(why) => format!("-> {name}: close {}", why.code().unwrap_or(0)),
            });
        }
    }
    decisions
}

fn print_row(at: Instant, what: &str, decisions: &[String]) {
    let second = at.as_micros() / 1_000_000;
    println!("{second:>3}s  {what:32}{}", decisions.join(&format!("\n{:38}", "")));
}
