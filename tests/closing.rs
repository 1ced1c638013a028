//! The closing handshake (RFC 6455, 5.5.1 and 7): one close frame from the server, whoever begins.

use std::{
    io::{Read, Write},
    net::Shutdown,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use switchboard::Settings;
use switchboard_tests::{Adapter, Client, Server};

/// Frames of a client, with a mask of zeros.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    assert!(length < 126, "a short frame");
    [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// The opcodes and payloads of all that the server sends until it closes.
fn frames(client: &Client) -> Vec<(u8, Vec<u8>)> {
    let mut bytes = Vec::new();
    client.stream().read_to_end(&mut bytes).expect("an orderly end");
    let mut frames = Vec::new();
    let mut rest = &bytes[..];
    while let [first, length, after @ ..] = rest {
        let (payload, next) = after.split_at(usize::from(*length));
        frames.push((first & 0x0f, payload.to_vec()));
        rest = next;
    }
    frames
}

/// What the server answers to these bytes, sent in one segment.
fn answer(adapter: Adapter, bytes: &[u8], then_shut_down: bool) -> Vec<(u8, Vec<u8>)> {
    let server = Server::start(adapter, Settings::default());
    let client = server.log_in("alice");
    let mut stream = client.stream();
    stream.write_all(bytes).expect("the server reads");
    if then_shut_down {
        stream.shutdown(Shutdown::Write).expect("a connected socket");
    }
    frames(&client)
}

#[test]
fn a_close_frame_is_answered_with_its_code() {
    let close = [&4321_u16.to_be_bytes()[..], b"bye"].concat();
    for adapter in Adapter::ALL {
        for then_shut_down in [false, true] {
            println!("{adapter:?} {then_shut_down}");
            let answer = answer(adapter, &masked(CLOSE, &close), then_shut_down);
            assert_eq!(answer, [(CLOSE, close.clone())]);
        }
    }
}

#[test]
fn a_fault_before_a_close_frame_is_told() {
    let bytes = [masked(BINARY, b"x"), masked(CLOSE, &1000_u16.to_be_bytes())].concat();
    for adapter in Adapter::ALL {
        for then_shut_down in [false, true] {
            println!("{adapter:?} {then_shut_down}");
            let answer = answer(adapter, &bytes, then_shut_down);
            let [(CLOSE, payload)] = &answer[..] else { panic!("{answer:?}") };
            assert_eq!(payload[..2], 1003_u16.to_be_bytes());
        }
    }
}

#[test]
fn what_follows_a_close_frame_is_ignored() {
    let bytes = [masked(CLOSE, b""), masked(TEXT, b"alice:hi"), masked(BINARY, b"x")].concat();
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        assert_eq!(answer(adapter, &bytes, false), [(CLOSE, vec![])]);
    }
}

/// The server closes the one whose uid is taken over just when it closes, too. Whichever of them
/// the server takes first, there is one close frame.
#[test]
fn a_takeover_that_crosses_a_close_frame() {
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        let server = Server::start(adapter, Settings::default());
        for _ in 0..200 {
            let older = server.log_in("bob");
            let mut newer = server.connect();
            newer.say("bob");
            older.stream().write_all(&masked(CLOSE, &4321_u16.to_be_bytes())).expect("it reads");
            let frames = frames(&older);
            let [(CLOSE, payload)] = &frames[..] else { panic!("{frames:?}") };
            let code = u16::from_be_bytes([payload[0], payload[1]]);
            assert!([4001, 4321].contains(&code), "{code}");
            newer.hears("login success, your uid is bob");
            newer.leave();
        }
    }
}

/// Nothing follows the server's close frame (RFC 6455, 5.5.1), however many messages are under way.
#[test]
fn messages_do_not_follow_the_close_frame() {
    for adapter in Adapter::ALL {
        println!("{adapter:?}");
        let server = Server::start(adapter, Settings::default());
        let done = AtomicBool::new(false);
        thread::scope(|threads| {
            threads.spawn(|| {
                let mut sender = server.log_in("sender");
                while !done.load(Ordering::Relaxed) {
                    for _ in 0..20 {
                        sender.say("all:noise");
                    }
                    for _ in 0..20 {
                        sender.hears("noise");
                    }
                }
            });
            let _done = OnDrop(&done);
            for _ in 0..300 {
                let mut client = server.log_in("bob");
                client.hears("noise");
                client.stream().write_all(&masked(CLOSE, b"")).expect("the server reads");
                assert_eq!(client.bytes_after_close(), 0);
            }
        });
    }
}

/// Ends the noise, also when the test fails.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
