//! A chat client: `chat ws://127.0.0.1:1234 alice`.
//!
//! Prints what arrives and sends what is typed: `bob:hi` to bob, `all:hi` to everybody. The end of
//! the input (Ctrl-D) ends it, once all answers are there.
//!
//! One thread owns the WebSocket and waits neither to read nor to write for long. If it waited to
//! write while the server waits for it to read, both would wait for ever. A second thread reads the
//! input, because that cannot be interrupted.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};
use std::{error::Error, net::TcpStream, process::ExitCode, thread};

use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket, stream::MaybeTlsStream};

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

/// How long to wait for the socket before looking for input, and the other way round.
const PATIENCE: Duration = Duration::from_millis(50);

/// Sent to oneself at the end of the input. The server has one order for all that it sends: when
/// this comes back, so have all answers.
const END: &str = "\u{4}";

/// How long the server may take to send the last answers, and to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, uid] = args.as_slice() else {
        eprintln!("usage: chat URL UID, for example: chat ws://127.0.0.1:1234 alice");
        return ExitCode::from(2);
    };
    match log_in(url, uid).and_then(|socket| chat(socket, uid)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The first message is the uid; the server answers whether it is accepted.
fn log_in(url: &str, uid: &str) -> Result<Socket, Box<dyn Error>> {
    let (mut socket, _) = tungstenite::connect(url)?;
    socket.send(Message::text(uid))?;
    loop {
        match socket.read()? {
            Message::Text(text) => {
                print(&text)?;
                let refused = text.starts_with("error: ");
                return if refused { Err("not logged in".into()) } else { Ok(socket) };
            }
            Message::Close(frame) => return Err(closed(frame)),
            _ => {}
        }
    }
}

/// Talks until the end of the input, which is a success, or until the server closes.
fn chat(mut socket: Socket, uid: &str) -> Result<(), Box<dyn Error>> {
    let MaybeTlsStream::Plain(stream) = socket.get_ref() else {
        return Err("only ws:// is supported".into());
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let input = lines_of_stdin()?;
    let mut all_written = true;
    let mut close_by = None;
    loop {
        while all_written && close_by.is_none() {
            let sent = match input.try_recv() {
                Ok(line) => socket.send(Message::text(line?)),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    close_by = Some(Instant::now() + CLOSE_TIMEOUT);
                    socket.send(Message::text(format!("{uid}:{END}")))
                }
            };
            all_written = in_time(sent)?.is_some();
        }
        all_written = in_time(socket.flush())?.is_some();
        match in_time(socket.read()) {
            Ok(Some(Message::Text(text))) if close_by.is_some() && text == END => {
                all_written = in_time(socket.close(None))?.is_some();
            }
            Ok(Some(Message::Text(text))) => print(&text)?,
            // The answer to our close frame, which gives no reason, gives none either.
            Ok(Some(Message::Close(frame))) if close_by.is_none() || frame.is_some() => {
                drop(socket.flush());
                return Err(closed(frame));
            }
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if close_by.is_some_and(|by| by < Instant::now()) {
            return Err("the server did not answer the close frame".into());
        }
    }
}

/// The lines of the input. Its end closes the channel.
fn lines_of_stdin() -> io::Result<Receiver<io::Result<String>>> {
    let (sender, receiver) = mpsc::sync_channel(16);
    thread::Builder::new().spawn(move || {
        // Fails when nobody receives any more.
        io::stdin().lines().try_for_each(|line| sender.send(line))
    })?;
    Ok(receiver)
}

/// `None` if it takes longer than that. tungstenite keeps what is half read or half written.
fn in_time<T>(result: tungstenite::Result<T>) -> tungstenite::Result<Option<T>> {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};
    let in_vain = |error: &io::Error| matches!(error.kind(), WouldBlock | TimedOut | Interrupted);
    match result {
        Err(tungstenite::Error::Io(error)) if in_vain(&error) => Ok(None),
        done => done.map(Some),
    }
}

/// What others write must not steer the terminal.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout(), "{}", text.replace(char::is_control, "\u{fffd}"))?)
}

fn closed(frame: Option<CloseFrame>) -> Box<dyn Error> {
    match frame {
        Some(CloseFrame { code, reason }) => {
            format!("closed by the server: {code} {reason}").into()
        }
        None => "closed by the server".into(),
    }
}
