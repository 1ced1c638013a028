//! Clients that send as fast as they can.

use std::{
    io::Write,
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};

use switchboard_tests::{Client, Heard, Process};

use crate::scene::{Scene, frame, log_in_with_small_buffer, missed};

const FLOODERS: usize = 20;

/// Hears until the end of a flood. Returns how many messages came and how many did not.
fn hear_flood(victim: &mut Client) -> (usize, usize) {
    let (mut heard, mut lost) = (0, 0);
    loop {
        match victim.hear() {
            Heard::Text(text) if text == "it is over" => return (heard, lost),
            Heard::Text(text) => match missed(&text) {
                Some(count) => lost += count,
                None => heard += 1,
            },
            closed => panic!("{closed:?}"),
        }
    }
}

/// Lets each flooder do its worst while the victim reads. Returns what became of the flood.
fn flood(server: &Process, flooder: impl Fn(usize) + Sync) -> (usize, usize) {
    let mut victim = server.log_in("victim");
    thread::scope(|threads| {
        let hearing = threads.spawn(move || hear_flood(&mut victim));
        thread::scope(|threads| {
            for number in 0..FLOODERS {
                let flooder = &flooder;
                threads.spawn(move || flooder(number));
            }
        });
        server.log_in("the end").say("victim:it is over");
        hearing.join().expect("the victim is served")
    })
}

#[test]
fn a_flood_above_the_rate_is_refused_and_then_closed() {
    const BURST: usize = 100;
    const RATE: usize = 100;
    Scene {
        name: "20 floods above the rate",
        arguments: &["--message-rate", "100/100"],
        during_mib: [8, 16],
        after_mib: [8, 16],
        // Half of what the rate allows.
        pause: Duration::from_millis(20),
        ..Scene::default()
    }
    .play(|server, _| {
        let start = Instant::now();
        let (heard, lost) = flood(server, |number| {
            let mut client = server.log_in(&format!("flooder {number}"));
            let writer = client.stream().try_clone().expect("a file descriptor to spare");
            let messages = frame("victim:splash").repeat(50);
            thread::scope(|threads| {
                threads.spawn(move || while (&writer).write_all(&messages).is_ok() {});
                let mut refused = 0;
                let code = loop {
                    match client.hear() {
                        Heard::Text(text) => {
                            assert!(text.starts_with("error: too fast"), "{text}");
                            refused += 1;
                        }
                        Heard::Closed(code) => break code,
                    }
                };
                assert_eq!(code, 1008);
                assert!(refused > 0);
                // Ends the writer, too, unless the server has reset the connection.
                drop(client.stream().shutdown(Shutdown::Both));
            });
        });
        println!("    {heard} messages came through, {lost} were left out");
        let each = BURST + 1 + RATE * (start.elapsed().as_secs() as usize + 1);
        // Each flooder's first message was its login.
        assert!(heard + lost >= FLOODERS * (BURST - 1));
        assert!(heard + lost <= FLOODERS * each);
    });
}

#[test]
fn a_flood_without_a_rate_is_carried() {
    const EACH: usize = 10_000;
    Scene {
        name: "20 floods without a rate",
        during_mib: [8, 16],
        after_mib: [8, 16],
        ..Scene::default()
    }
    .play(|server, _| {
        let (heard, lost) = flood(server, |number| {
            let uid = format!("flooder {number}");
            let mut client = server.log_in(&uid);
            let messages = frame("victim:splash").repeat(EACH);
            client.stream().write_all(&messages).expect("the server reads");
            client.say(&format!("{uid}:done"));
            client.hears("done");
        });
        println!("    {heard} messages came through, {lost} were left out");
        assert_eq!(heard + lost, FLOODERS * EACH);
    });
}

/// Each message has an answer. Who does not read them is not read, until it does.
#[test]
fn a_flood_of_requests_is_held_back() {
    Scene {
        name: "20 floods of requests whose answers are not read",
        during_mib: [8, 16],
        after_mib: [8, 16],
        ..Scene::default()
    }
    .play(|server, lively| {
        let request = format!("nobody:{}", "x".repeat(1000));
        let flooders: Vec<(Client, usize)> = thread::scope(|threads| {
            let flooder = |number: usize| {
                let request = &request;
                move || {
                    let uid = format!("flooder {number}");
                    let mut client = log_in_with_small_buffer(server.address(), &uid);
                    let sent = client.say_until_full(request);
                    (client, sent)
                }
            };
            let flooding: Vec<_> =
                (0..FLOODERS).map(|number| threads.spawn(flooder(number))).collect();
            flooding.into_iter().map(|thread| thread.join().expect("it is held back")).collect()
        });
        lively.goes_on();
        let sent: usize = flooders.iter().map(|(_, sent)| sent).sum();
        println!("    {sent} requests until all were held back");
        for (mut client, sent) in flooders {
            let mut answers = client.flush_reading();
            while answers.len() < sent {
                match client.hear() {
                    Heard::Text(answer) => answers.push(answer),
                    closed => panic!("{closed:?}"),
                }
            }
            assert!(answers.iter().all(|answer| answer == "error: nobody is not online"));
        }
    });
}
