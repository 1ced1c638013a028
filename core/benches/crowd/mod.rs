//! Users without sockets, for what is measured.

use std::{hint::black_box, sync::Arc};

use switchboard_core::{Config, ConnId, Frame, Hub, Input, Instant, Name, Output, Request, Target};

/// A message that is stored once.
pub(crate) type Payload = Arc<str>;

/// A hub where so many are logged in, each as its number.
pub(crate) fn crowd(users: usize) -> (Hub<Payload>, Vec<ConnId>) {
    let now = Instant::ZERO;
    let mut hub = Hub::new(Config { max_connections: users + 1, ..Config::default() }, 1, now);
    let conns = (0..users).map(|user| {
        let conn = hub.connect(now, None).expect("room");
        let uid = user.to_string();
        let uid = Name::new(&uid).expect("a name");
        hub.handle(now, Input::Request { conn, request: Request::Login(uid), size: 8 });
        while hub.poll_output().is_some() {}
        while hub.poll_frame(conn).is_some() {}
        conn
    });
    let conns = conns.collect();
    (hub, conns)
}

/// Carries all outputs out, as an adapter whose sockets take everything. Returns the deliveries.
pub(crate) fn deliver(hub: &mut Hub<Payload>) -> usize {
    let mut delivered = 0;
    while let Some(output) = hub.poll_output() {
        if let Output::Ready { conn } = output {
            while let Some(frame) = hub.poll_frame(conn) {
                delivered += usize::from(matches!(black_box(frame), Frame::Message { .. }));
            }
        }
    }
    delivered
}

/// Has one of them send a message.
pub(crate) fn send(hub: &mut Hub<Payload>, conn: ConnId, to: Target<'_>, payload: &Payload) {
    let request = Request::Send { to, payload: Arc::clone(payload) };
    hub.handle(Instant::ZERO, Input::Request { conn, request, size: 70 });
}
