//! Users in a process that can be killed: `crowd ADDRESS COUNT`. Half of them talk all the time.

use std::env;

use switchboard_tests::Client;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let server = arguments[1].parse().expect("an address");
    let count: usize = arguments[2].parse().expect("a number");
    let mut clients: Vec<Client> =
        (0..count).map(|number| Client::log_in(server, &format!("user {number}"))).collect();
    println!("all are logged in");
    for number in (0..count).step_by(2).cycle() {
        // Not heard by whom it is for: what was sent and not read is lost with the process.
        clients[number].say(&format!("user {}:hello", number + 1));
    }
}
