//! The hot path does not allocate for each recipient.

use std::sync::Arc;

use switchboard_core::{Config, ConnId, Frame, Hub, Input, Instant, Name, Output, Request, Target};

const NOW: Instant = Instant::ZERO;
const USERS: usize = 10_000;

fn request(hub: &mut Hub<Arc<str>>, conn: ConnId, request: Request<'_, Arc<str>>) {
    hub.handle(NOW, Input::Request { conn, request, size: 10 });
}

/// Obeys the hub, and counts the messages that it hands out.
fn serve(hub: &mut Hub<Arc<str>>) -> usize {
    let mut messages = 0;
    while let Some(output) = hub.poll_output() {
        if let Output::Ready { conn } = output {
            while let Some(frame) = hub.poll_frame(conn) {
                messages += usize::from(matches!(frame, Frame::Message { .. }));
            }
        }
    }
    messages
}

fn crowd() -> (Hub<Arc<str>>, Vec<ConnId>) {
    let mut hub = Hub::new(Config::default(), 1, NOW);
    let conns = (0..USERS)
        .map(|user| {
            let conn = hub.connect(NOW, None).expect("room for a connection");
            let uid = format!("user {user}");
            request(&mut hub, conn, Request::Login(Name::new(&uid).expect("a valid name")));
            serve(&mut hub);
            conn
        })
        .collect();
    (hub, conns)
}

#[test]
fn a_broadcast_allocates_nothing_for_each_recipient() {
    let (mut hub, conns) = crowd();
    let payload: Arc<str> = "hello".into();
    let broadcast = |hub: &mut Hub<Arc<str>>| {
        let payload = Arc::clone(&payload);
        request(hub, conns[0], Request::Send { to: Target::Everyone, payload });
        assert_eq!(serve(hub), USERS);
    };
    // The ring and the queue of wake-ups grow to their size.
    broadcast(&mut hub);
    let counted = allocation_counter::measure(|| broadcast(&mut hub));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_message_to_one_allocates_nothing_once_its_ring_is_there() {
    let (mut hub, conns) = crowd();
    let payload: Arc<str> = "hello".into();
    let unicast = |hub: &mut Hub<Arc<str>>| {
        let to = Target::User(Name::new("user 77").expect("a valid name"));
        let payload = Arc::clone(&payload);
        request(hub, conns[0], Request::Send { to, payload });
        assert_eq!(serve(hub), 1);
    };
    unicast(&mut hub);
    let counted = allocation_counter::measure(|| unicast(&mut hub));
    assert_eq!(counted.count_total, 0);
}

/// What was left unread takes memory, and gives it back when it is read.
#[test]
fn nothing_is_kept_of_a_burst_that_was_read() {
    let (mut hub, conns) = crowd();
    let payload: Arc<str> = "hello".into();
    let burst = 200;
    let taken = allocation_counter::measure(|| {
        for _ in 0..burst {
            let to = Target::User(Name::new("user 77").expect("a valid name"));
            hub.push(NOW, to, Arc::clone(&payload)).expect("77 is there");
        }
    });
    let given = allocation_counter::measure(|| assert_eq!(serve(&mut hub), burst));
    assert!(taken.bytes_current > 4_000, "{taken:?}");
    // Room for the next few messages may stay, and it is made once.
    assert!(taken.bytes_current + given.bytes_current < 400, "{taken:?} {given:?}");
    assert!(given.count_total <= 1, "{given:?}");

    let replies = hub.config().max_replies;
    let taken = allocation_counter::measure(|| {
        for _ in 0..replies {
            request(&mut hub, conns[0], Request::Login(Name::new("a").expect("a valid name")));
        }
    });
    let given = allocation_counter::measure(|| assert_eq!(serve(&mut hub), 0));
    assert!(taken.bytes_current > 0, "{taken:?}");
    assert_eq!(taken.bytes_current + given.bytes_current, 0);
}
