//! What clients do.

use switchboard_core::{ConnId, Fault, Input, Payload, Problem, Refused, Request, Target, text};

use crate::{Received, World, logged_in, world::name};

/// Coming and going.
impl World {
    /// Connects.
    ///
    /// # Panics
    /// If the hub refuses to take the connection.
    #[track_caller]
    pub fn connect(&mut self) -> ConnId {
        let connected = self.try_connect();
        connected.unwrap_or_else(|refused| panic!("after {:?}: {refused}", self.elapsed()))
    }

    /// Connects.
    ///
    /// # Errors
    /// If the hub refuses to take the connection.
    pub fn try_connect(&mut self) -> Result<ConnId, Refused> {
        self.open(None)
    }

    /// Connects from an IP address.
    ///
    /// # Errors
    /// If the hub refuses to take the connection.
    ///
    /// # Panics
    /// If that is no IP address.
    pub fn connect_from(&mut self, address: &str) -> Result<ConnId, Refused> {
        self.open(Some(address))
    }

    fn open(&mut self, address: Option<&str>) -> Result<ConnId, Refused> {
        let address = address.map(|address| address.parse().expect("an IP address"));
        let connected = self.hub.connect(self.now, address);
        if let Some(beside) = &mut self.beside {
            beside.connected(self.now, connected, address);
        }
        if let Ok(conn) = connected {
            self.arrived(conn);
        }
        self.carry_out();
        connected
    }

    /// Has it known where a connection comes from, as a proxy does.
    ///
    /// # Panics
    /// If that is no IP address.
    pub fn comes_from(&mut self, conn: ConnId, address: &str) {
        let address = address.parse().expect("an IP address");
        self.handle(Input::Address { conn, address });
    }

    /// For each of these uids, connects and logs in, and reads the answer.
    ///
    /// # Panics
    /// If one does not get in.
    #[track_caller]
    pub fn log_in<const N: usize>(&mut self, uids: [&str; N]) -> [ConnId; N] {
        uids.map(|uid| {
            let conn = self.connect();
            self.try_log_in(conn, uid);
            self.expect(conn, [logged_in(uid)]);
            conn
        })
    }

    /// Asks to be known by this uid.
    pub fn try_log_in(&mut self, conn: ConnId, uid: &str) {
        self.request(conn, Request::Login(name(uid)));
    }

    /// The socket is gone.
    pub fn disconnect(&mut self, conn: ConnId) {
        self.handle(Input::Disconnected { conn });
    }

    /// Sends a close frame.
    pub fn peer_closed(&mut self, conn: ConnId) {
        self.handle(Input::PeerClosed { conn });
    }
}

/// Asking for something.
impl World {
    /// Sends a text message of the text dialect, such as `bob:hello`.
    pub fn say(&mut self, conn: ConnId, message: &str) {
        let request = text::parse(self.hub.stage(conn), message);
        let request = request.map_payload(|payload| self.text(payload));
        self.handle(Input::Request { conn, request, size: message.len() });
    }

    /// Sends a message to a uid.
    pub fn send(&mut self, from: ConnId, to: &str, text: &str) {
        self.send_to(from, Target::User(name(to)), text);
    }

    /// Sends a message to everybody.
    pub fn send_to_all(&mut self, from: ConnId, text: &str) {
        self.send_to(from, Target::Everyone, text);
    }

    /// Sends a message to a group.
    pub fn send_to_group(&mut self, from: ConnId, group: &str, text: &str) {
        self.send_to(from, Target::Group(name(group)), text);
    }

    fn send_to(&mut self, from: ConnId, to: Target<'_>, text: &str) {
        let payload = self.text(text);
        self.request(from, Request::Send { to, payload });
    }

    /// Joins a group.
    pub fn join(&mut self, conn: ConnId, group: &str) {
        self.request(conn, Request::Join(name(group)));
    }

    /// Leaves a group.
    pub fn leave(&mut self, conn: ConnId, group: &str) {
        self.request(conn, Request::Leave(name(group)));
    }

    /// Sends what the dialect cannot make sense of.
    pub fn invalid(&mut self, conn: ConnId) {
        self.request(conn, Request::Invalid(Problem::ExpectedUidMessage));
    }

    /// Sends what no dialect can accept.
    pub fn fault(&mut self, conn: ConnId, fault: Fault) {
        self.handle(Input::Fault { conn, fault });
    }

    /// Gives a sign of life, such as a pong.
    pub fn hear(&mut self, conn: ConnId) {
        self.hear_bytes(conn, 0);
    }

    /// Gives a sign of life of so many bytes.
    pub fn hear_bytes(&mut self, conn: ConnId, size: usize) {
        self.handle(Input::Heard { conn, size });
    }

    /// Was answered an HTTP request.
    pub fn called(&mut self, conn: ConnId) {
        self.handle(Input::Called { conn });
    }

    /// A request counts as large as the payload in it, if there is one.
    pub(crate) fn request(&mut self, conn: ConnId, request: Request<'_, crate::Text>) {
        let size = match &request {
            Request::Send { payload, .. } => payload.size(),
            _ => 0,
        };
        self.handle(Input::Request { conn, request, size });
    }
}

/// Reading.
impl World {
    /// Takes all that a client has received, and reads the rest for one that does not read by
    /// itself.
    pub fn pull(&mut self, conn: ConnId) -> Vec<Received> {
        std::iter::from_fn(|| self.pull_one(conn)).collect()
    }

    /// Takes the first thing that a client has received, or reads one for one that does not read
    /// by itself.
    pub fn pull_one(&mut self, conn: ConnId) -> Option<Received> {
        let received = self.clients.get_mut(&conn).and_then(|client| client.inbox.pop_front());
        received.or_else(|| self.poll_frame(conn).map(Received::from))
    }

    /// From here on, the client reads nothing by itself: its socket is full.
    pub fn stop_reading(&mut self, conn: ConnId) {
        self.client(conn).manner.reads = false;
    }

    /// From here on, the client reads at once, what has come before first.
    pub fn resume_reading(&mut self, conn: ConnId) {
        self.client(conn).manner.reads = true;
        self.read(conn);
        self.carry_out();
    }

    /// From here on, the client does not answer pings. It shows them as [`Received::Ping`].
    pub fn fall_silent(&mut self, conn: ConnId) {
        self.client(conn).manner.answers = false;
    }

    fn client(&mut self, conn: ConnId) -> &mut crate::world::Client {
        self.clients.get_mut(&conn).expect("a connection of this world")
    }

    /// The connections whose sockets the hub wanted dropped, because they had not gone in time.
    pub fn dropped(&self) -> &[ConnId] {
        &self.dropped
    }
}
