//! The command line: what the server is told, and its life as a process.

mod arguments;
mod bench;
mod client;
mod file;
mod options;
mod print;
mod recording;
mod service;
mod signals;
mod tools;
mod values;

#[cfg(feature = "webhooks")]
use std::sync::Arc;
use std::{
    fmt::{self, Display},
    io::{self, Write},
    process::ExitCode,
};

use crate::{Door, Settings, Stop, listen, record::Recorder, tls::Tls};
#[cfg(feature = "webhooks")]
use crate::{observe::Observe, webhook::Deliveries};

#[cfg(not(any(feature = "smol", feature = "blocking")))]
compile_error!("the program needs something that carries its connections: smol or blocking");

use arguments::{Action, Arguments, Rejected};
use options::{Options, Runtime};
use tools::Tool;

/// Runs the server as the command line, the environment and the file of settings say. Returns the
/// process's exit code: 0 after an orderly stop, 2 if the server could not start.
///
/// Or runs one of the other commands, which have codes of their own.
pub fn run() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match Tool::load(&arguments) {
        Some(Ok(tool)) => return tool.run(),
        Some(Err(error)) => return reject(&Rejected::Arguments(error)),
        None => {}
    }
    let arguments = match Arguments::load(arguments) {
        Ok(arguments) => arguments,
        Err(rejected) => return reject(&rejected),
    };
    let options = &arguments.options;
    match &arguments.action {
        None => match start(options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                options.logs.fail(&error);
                ExitCode::from(2)
            }
        },
        Some(Action::CheckConfig { .. }) => match &arguments.file {
            Some(file) => {
                let path = file.path.display();
                match check(options) {
                    Ok(()) => answer(&format!("{path} is valid\n")),
                    Err(error) => reject(&Rejected::line(&format!("{path}: {error}"))),
                }
            }
            None => reject(&Rejected::line("which file? check-config FILE checks it")),
        },
        Some(Action::PrintConfig) => {
            let Arguments { command, matches, file, .. } = &arguments;
            answer(&print::settings(command, matches, file.as_ref()))
        }
    }
}

/// Whether the server could start with these.
fn check(options: &Options) -> Result<(), String> {
    options.settings(u64::MAX)?;
    #[cfg(feature = "webhooks")]
    options.webhooks()?;
    Ok(())
}

fn answer(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => reject(&Rejected::line(&cannot_print(&error).0)),
    }
}

fn reject(rejected: &Rejected) -> ExitCode {
    match rejected {
        // `--help` and `--version` are messages too.
        Rejected::Arguments(message) => {
            drop(message.print());
            ExitCode::from(if message.use_stderr() { 2 } else { 0 })
        }
        Rejected::Settings(lines) => {
            for line in lines {
                eprintln!("{line}");
            }
            ExitCode::from(2)
        }
    }
}

fn start(options: &Options) -> Result<(), Error> {
    options.logs.start();
    // Each connection takes a file descriptor. What is not allowed cannot be had.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    let settings = options.settings(files).map_err(Error)?;
    #[cfg(feature = "webhooks")]
    let (settings, webhooks) = match options.webhooks().map_err(Error)? {
        Some(webhooks) => {
            let observer: Option<Arc<dyn Observe>> = Some(webhooks.clone());
            (Settings { observer, ..settings }, Some(webhooks))
        }
        None => (settings, None),
    };

    let listener = match service::passed_listener().map_err(Error::new)? {
        Some(listener) => listener,
        None => listen::bind(&options.listen.listen).map_err(Error::new)?,
    };
    let (websocket, http) = match settings.tls {
        Some(_) => ("wss", "https"),
        None => ("ws", "http"),
    };
    let url = listener.url(websocket);
    let mut door = Door::from(listener);
    let admin = options.listen.admin_listen.as_deref().map(listen::bind).transpose();
    let admin = admin.map_err(Error::new)?.map(Door::from);
    door.http = admin.is_none();
    let api_url = admin.as_ref().unwrap_or(&door).listener.url(http);
    let (stopper, stop) = crate::stop();
    let tls = settings.tls.clone();
    signals::handle(stopper, move || reload(tls.as_ref())).map_err(Error::new)?;
    writeln!(io::stdout(), "switchboard listening on {url}")
        .map_err(|error| cannot_print(&error))?;
    tracing::info!("{}", options.limits.summary(&settings));
    service::ready(&format!("listening on {url}"));
    tracing::info!("the page, the API and metrics are on {api_url}");
    let doors = [door].into_iter().chain(admin);
    let recorder = options.record.start().map_err(Error)?;
    let settings = Settings { recorder: recorder.clone(), ..settings };
    #[cfg(feature = "webhooks")]
    let deliveries = webhooks.map(Deliveries::start).transpose().map_err(Error::new)?;
    let served = serve(options.listen.runtime, settings, doors, &stop).map_err(Error::new);
    recorder.inspect(Recorder::finish);
    // Everybody is gone, and their logouts are told, too.
    #[cfg(feature = "webhooks")]
    deliveries.map(Deliveries::finish);
    served
}

/// What is read anew without a restart.
fn reload(tls: Option<&Tls>) {
    match tls.map(Tls::reload) {
        None => tracing::info!("nothing to reload"),
        Some(Ok(())) => tracing::info!("new connections get the certificate as it is now"),
        Some(Err(error)) => tracing::error!("the certificate remains as it was: {error}"),
    }
}

fn serve(
    runtime: Runtime,
    settings: Settings,
    doors: impl Iterator<Item = Door>,
    stop: &Stop,
) -> io::Result<()> {
    match runtime {
        #[cfg(feature = "smol")]
        Runtime::Smol => crate::smol::Server::new(settings).serve(doors, stop),
        #[cfg(feature = "blocking")]
        Runtime::Blocking => crate::blocking::Server::new(settings).serve(doors, stop),
    }
}

/// Why the server could not start, in one line.
#[derive(Debug)]
struct Error(String);

impl Error {
    fn new(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

fn cannot_print(error: &io::Error) -> Error {
    Error(format!("cannot write to standard output: {error}"))
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
