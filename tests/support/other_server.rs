//! A server that speaks the text dialect, and fails as it is told: what the load tool has to notice.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Control, Data, OpCode},
    },
};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Every so manieth delivery gets lost.
    Loses(usize),
    /// Every so manieth delivery is made twice.
    Repeats(usize),
    /// After so many deliveries, whoever receives the next is closed with 4000.
    Closes(usize),
    /// After so many deliveries, whoever receives the next is dropped.
    HangsUp(usize),
    /// Each message comes in two frames, with a ping between them.
    Splits,
    /// Nobody gets an answer to the login.
    Ignores,
}

/// One on a free port. It ends with the process.
#[derive(Debug)]
pub struct OtherServer {
    address: SocketAddr,
}

struct Hall {
    quirk: Quirk,
    users: Mutex<BTreeMap<String, TcpStream>>,
    deliveries: AtomicUsize,
}

impl OtherServer {
    /// Starts one.
    pub fn start(quirk: Quirk) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (users, deliveries) = (Mutex::default(), AtomicUsize::new(0));
        let hall = Arc::new(Hall { quirk, users, deliveries });
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, hall) = (stream.expect("a connection"), hall.clone());
                thread::spawn(move || hall.serve(stream));
            }
        });
        Self { address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Hall {
    /// Ends when the client has.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut writer = stream.try_clone().expect("a clone");
        let mut socket = tungstenite::accept(stream).ok()?;
        let mut uid = None;
        loop {
            let Message::Text(text) = socket.read().ok()? else { continue };
            if uid.is_none() && self.quirk != Quirk::Ignores {
                let clone = writer.try_clone().expect("a clone");
                self.users
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(text.to_string(), clone);
                uid = Some(text.to_string());
                write(&mut writer, Frame::message("hello", OpCode::Data(Data::Text), true)).ok()?;
            } else if let Some((to, message)) = text.split_once(':') {
                let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
                for (name, stream) in users.iter() {
                    if to == "all" || to == name {
                        // Fails if that one is gone.
                        drop(self.deliver(&mut stream.try_clone().expect("a clone"), message));
                    }
                }
            }
        }
    }

    fn deliver(&self, to: &mut TcpStream, message: &str) -> io::Result<()> {
        let number = self.deliveries.fetch_add(1, SeqCst) + 1;
        let text = OpCode::Data(Data::Text);
        let whole = || Frame::message(message.to_owned(), text, true);
        match self.quirk {
            Quirk::Loses(every) if number.is_multiple_of(every) => Ok(()),
            Quirk::Repeats(every) if number.is_multiple_of(every) => {
                write(to, whole())?;
                write(to, whole())
            }
            Quirk::Closes(after) if number == after + 1 => {
                let mut close = Vec::from([0x88, 2]);
                close.extend(4000_u16.to_be_bytes());
                to.write_all(&close)
            }
            Quirk::HangsUp(after) if number == after + 1 => to.shutdown(Shutdown::Both),
            Quirk::Splits => {
                let (begin, end) = message.split_at(5);
                write(to, Frame::message(begin.to_owned(), text, false))?;
                to.write_all(&[0x80 | u8::from(OpCode::Control(Control::Ping)), 0])?;
                write(to, Frame::message(end.to_owned(), OpCode::Data(Data::Continue), true))
            }
            _ => write(to, whole()),
        }
    }
}

fn write(to: &mut TcpStream, frame: Frame) -> io::Result<()> {
    let mut bytes = Vec::new();
    frame.format(&mut bytes).map_err(io::Error::other)?;
    to.write_all(&bytes)
}
