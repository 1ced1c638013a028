//! A receiver of webhooks, which does as it is told.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};
use serde_json::Value;
use switchboard::listen;
use switchboard_tests::Certificate;

/// How long to wait for a request before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to do with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// Accept it.
    Accept,
    /// Answer with this status and these further lines of the head.
    Answer(u16, &'static str),
    /// Answer nothing, to this and all others, until the receiver goes on.
    Hang,
    /// Answer nothing to this one, for ever.
    Ignore,
    /// Close the connection.
    BreakOff,
    /// Take the events, and close the connection before the answer.
    TakeAndBreakOff,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// By name, in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
    pub(crate) raw: Vec<u8>,
    pub(crate) is_taken: bool,
}

#[derive(Debug, Default)]
struct State {
    deeds: VecDeque<Deed>,
    hangs: bool,
    is_down: bool,
    requests: Vec<Request>,
    open: Vec<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
    tls: Option<Arc<ServerConfig>>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// One that does this with the first requests and accepts the others.
    pub(crate) fn start(deeds: &[Deed]) -> Self {
        Self::start_with(deeds, None)
    }

    /// The same over TLS.
    pub(crate) fn start_tls(certificate: &Certificate) -> Self {
        let key = certificate.arguments().last().expect("the key's file");
        let key = fs::read(key).expect("a file");
        let key = <PrivateKeyDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_slice(&key);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has both")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().to_vec().into()], key.expect("a key"))
            .expect("a pair");
        Self::start_with(&[], Some(Arc::new(config)))
    }

    fn start_with(deeds: &[Deed], tls: Option<Arc<ServerConfig>>) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut receiver = Self { address, shared: Arc::default(), tls, thread: None };
        receiver.lock().deeds.extend(deeds);
        receiver.come_up();
        receiver
    }

    /// Listens, where it did before if it did.
    pub(crate) fn come_up(&mut self) {
        let listener = listen::bind_tcp(&self.address.to_string()).expect("a free port");
        self.address = listener.local_addr().expect("a bound listener has an address");
        self.lock().is_down = false;
        let (shared, tls) = (Arc::clone(&self.shared), self.tls.clone());
        self.thread = Some(thread::spawn(move || accept(&listener, &shared, tls.as_ref())));
    }

    /// Closes its port and all connections.
    pub(crate) fn go_down(&mut self) {
        self.lock().is_down = true;
        self.shared.1.notify_all();
        // Wakes it up to notice.
        drop(TcpStream::connect(self.address));
        self.thread.take().map(JoinHandle::join);
        for stream in self.lock().open.drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/events?of=users", self.address)
    }

    /// Answers those whom it let hang.
    pub(crate) fn go_on(&self) {
        self.lock().hangs = false;
        self.shared.1.notify_all();
    }

    /// Lets all hang from here on.
    pub(crate) fn hang(&self) {
        self.lock().hangs = true;
    }

    /// All requests until `is_enough`.
    pub(crate) fn wait(&self, is_enough: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let (state, _) = self
            .shared
            .1
            .wait_timeout_while(self.lock(), PATIENCE, |state| !is_enough(&state.requests))
            .expect("no panic");
        assert!(is_enough(&state.requests), "no more than {:?}", state.requests);
        state.requests.clone()
    }

    /// The events with the numbers up to `last`, each once, when it has them. They must have come in
    /// order.
    pub(crate) fn events(&self, last: u64) -> Vec<Value> {
        let requests = self.wait(|requests| newest(requests) >= last);
        assert_eq!(newest(&requests), last);
        let mut events: Vec<Value> = Vec::new();
        let mut expected = 1;
        for request in requests.iter().filter(|request| request.is_taken) {
            let told = request.body["events"].as_array().expect("a list");
            if told[0]["sequence"].as_u64() < Some(expected) {
                // What was taken and not answered comes once more, as it was.
                assert_eq!(told[..], events[events.len() - told.len()..]);
                continue;
            }
            expected += request.body["dropped"].as_u64().expect("a number");
            for event in told {
                assert_eq!(event["sequence"], expected, "{requests:?}");
                expected += 1;
                events.push(event.clone());
            }
        }
        events
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("no panic")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.go_down();
    }
}

fn newest(requests: &[Request]) -> u64 {
    let taken = requests.iter().filter(|request| request.is_taken);
    let last = taken.filter_map(|request| request.body["events"].as_array()?.last());
    last.filter_map(|event| event["sequence"].as_u64()).max().unwrap_or(0)
}

type Shared = Arc<(Mutex<State>, Condvar)>;

fn accept(listener: &TcpListener, shared: &Shared, tls: Option<&Arc<ServerConfig>>) {
    for stream in listener.incoming() {
        let stream = stream.expect("a connection");
        {
            let mut state = shared.0.lock().expect("no panic");
            if state.is_down {
                return;
            }
            state.open.push(stream.try_clone().expect("a socket"));
        }
        let (shared, tls) = (Arc::clone(shared), tls.cloned());
        thread::spawn(move || {
            let socket = stream.try_clone().expect("a socket");
            match tls {
                None => serve(stream, &shared),
                Some(config) => {
                    let connection = ServerConnection::new(config).expect("a config");
                    serve(StreamOwned::new(connection, stream), &shared);
                }
            }
            // Clones of it keep it open.
            drop(socket.shutdown(Shutdown::Both));
        });
    }
}

/// Answers one request after the other.
fn serve(stream: impl Read + Write, shared: &Shared) {
    let mut stream = BufReader::new(stream);
    while let Some(mut request) = read(&mut stream) {
        let (state, changed) = &**shared;
        let mut state = state.lock().expect("no panic");
        let deed = state.deeds.pop_front().unwrap_or(Deed::Accept);
        let hangs = state.hangs || matches!(deed, Deed::Hang);
        state.hangs = hangs;
        let is_accepted = matches!(deed, Deed::Accept | Deed::Answer(200..300, _));
        request.is_taken = !hangs && (is_accepted || matches!(deed, Deed::TakeAndBreakOff));
        state.requests.push(request);
        changed.notify_all();
        // A request that hung is not accepted: nobody may wait for the answer any more.
        let state = changed.wait_while(state, |state| {
            (state.hangs || matches!(deed, Deed::Ignore)) && !state.is_down
        });
        drop(state.expect("no panic"));
        let (status, head) = match deed {
            Deed::BreakOff | Deed::TakeAndBreakOff | Deed::Ignore => return,
            _ if hangs => (503, ""),
            Deed::Accept | Deed::Hang => (204, ""),
            Deed::Answer(status, head) => (status, head),
        };
        let body = if status == 204 { "" } else { "not now" };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} X\r\n{head}Content-Length: {length}\r\n\r\n{body}");
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|_| line.starts_with("POST /"))?;
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        match line.trim().split_once(':') {
            Some((name, value)) => {
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
            None => break,
        }
    }
    let mut raw = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut raw).ok()?;
    let body = serde_json::from_slice(&raw).expect("JSON");
    Some(Request { headers, body, raw, is_taken: false })
}
