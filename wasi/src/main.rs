//! The server as a WASI 0.2 component: `wasmtime run -S inherit-network switchboard-wasi.wasm`.

mod address;
mod options;
mod serve;
mod stream;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use wasip2::{
    cli::stdin::get_stdin,
    sockets::{
        instance_network::instance_network, network::ErrorCode, tcp::TcpSocket,
        tcp_create_socket::create_tcp_socket,
    },
};

/// Connections that may wait to be accepted. The system may allow fewer.
const BACKLOG: u64 = 4096;

/// How long a connection is silent before the system asks whether the peer is there.
const KEEPALIVE_NANOS: u64 = 60_000_000_000;

fn main() -> ExitCode {
    let options = options::read();
    let listener = match listen(&options) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {}: {}", options.listen, error.name());
            return ExitCode::FAILURE;
        }
    };
    let served = announce(&listener).and_then(|()| {
        let input = options.stop_at_eof.then(get_stdin);
        serve::serve(&listener, &options.settings, input.as_ref())
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn listen(options: &options::Options) -> Result<TcpSocket, ErrorCode> {
    let (family, address) = address::to_wasi(options.listen);
    let socket = create_tcp_socket(family)?;
    socket.set_listen_backlog_size(BACKLOG)?;
    // Accepted sockets inherit it. It finds peers that have vanished without a word.
    socket.set_keep_alive_enabled(true)?;
    socket.set_keep_alive_idle_time(KEEPALIVE_NANOS)?;
    let (ready, network) = (socket.subscribe(), instance_network());
    socket.start_bind(&network, address)?;
    finish(|| socket.finish_bind(), || ready.block())?;
    socket.start_listen()?;
    finish(|| socket.finish_listen(), || ready.block())?;
    drop(ready);
    Ok(socket)
}

/// Tries until it need not wait any more.
fn finish(step: impl Fn() -> Result<(), ErrorCode>, wait: impl Fn()) -> Result<(), ErrorCode> {
    loop {
        match step() {
            Err(ErrorCode::WouldBlock) => wait(),
            done => return done,
        }
    }
}

fn announce(listener: &TcpSocket) -> io::Result<()> {
    let address = listener.local_address().map_err(|error| io::Error::other(error.name()))?;
    println!("switchboard listening on ws://{}", address::from_wasi(address));
    io::stdout().flush()
}
