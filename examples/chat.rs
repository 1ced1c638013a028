//! A chat client: `chat ws://127.0.0.1:1234 alice`.
//!
//! Prints what arrives and sends what is typed: `bob:hi` to bob, `all:hi` to everybody. The end of
//! the input (Ctrl-D) ends it, once all answers are there.
//!
//! It hears and says at the same time. If it waited to write while the server waits for it to read,
//! both would wait for ever.

use std::io::{self, Write};
use std::{error::Error, process::ExitCode, time::Duration};

use async_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use async_tungstenite::{
    WebSocketReceiver, WebSocketSender, smol::ConnectStream, smol::connect_async,
};
use smol::io::{AsyncBufReadExt, BufReader};
use smol::stream::StreamExt;
use smol::{Timer, Unblock, future};

type Failure = Box<dyn Error>;
type Sender = WebSocketSender<ConnectStream>;
type Receiver = WebSocketReceiver<ConnectStream>;

/// Sent to oneself at the end of the input. The server has one order for all that it sends: when
/// this comes back, so have all answers.
const END: &str = "\u{4}";

/// How long the server may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, uid] = args.as_slice() else {
        eprintln!("usage: chat URL UID, for example: chat ws://127.0.0.1:1234 alice");
        return ExitCode::from(2);
    };
    match smol::block_on(chat(url, uid)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Talks until the end of the input, which is a success, or until the server closes.
async fn chat(url: &str, uid: &str) -> Result<(), Failure> {
    let (socket, _) = connect_async(url).await?;
    let (mut sender, mut receiver) = socket.split();
    // The first message is the uid; the server answers whether it is accepted.
    sender.send(Message::text(uid)).await?;
    let answer = hear(&mut receiver).await?;
    print(&answer)?;
    if answer.starts_with("error: ") {
        return Err("not logged in".into());
    }
    let hearing = async {
        loop {
            match hear(&mut receiver).await? {
                text if text == END => return Ok::<(), Failure>(()),
                text => print(&text)?,
            }
        }
    };
    let saying = async {
        say(&mut sender, uid).await?;
        future::pending().await
    };
    future::or(hearing, saying).await?;
    let close = async {
        sender.close(None).await?;
        while receiver.next().await.is_some_and(|heard| heard.is_ok()) {}
        Ok(())
    };
    let late = async {
        Timer::after(CLOSE_TIMEOUT).await;
        Err("the server did not answer the close frame".into())
    };
    future::or(close, late).await
}

/// Sends the lines of the input, and what marks its end.
async fn say(sender: &mut Sender, uid: &str) -> Result<(), Failure> {
    let mut lines = BufReader::new(Unblock::new(io::stdin())).lines();
    while let Some(line) = lines.next().await {
        sender.send(Message::text(line?)).await?;
    }
    Ok(sender.send(Message::text(format!("{uid}:{END}"))).await?)
}

/// The next text. That the server closes is an error.
async fn hear(receiver: &mut Receiver) -> Result<String, Failure> {
    loop {
        match receiver.next().await.ok_or("the connection is lost")?? {
            Message::Text(text) => return Ok(text.as_str().into()),
            Message::Close(frame) => return Err(closed(frame)),
            _ => {}
        }
    }
}

/// What others write must not steer the terminal.
fn print(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{}", text.replace(char::is_control, "\u{fffd}"))?)
}

fn closed(frame: Option<CloseFrame>) -> Failure {
    match frame {
        Some(CloseFrame { code, reason }) => {
            format!("closed by the server: {code} {reason}").into()
        }
        None => "closed by the server".into(),
    }
}
