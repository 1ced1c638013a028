//! What the program does besides serving: commands with options of their own.
//!
//! They are parsed apart from the server's settings, which are none of theirs: neither shown in
//! their help, nor taken from the environment or a file.

use std::{ffi::OsString, process::ExitCode};

use clap::{Arg, Command, CommandFactory, Parser, Subcommand};

use super::{bench, client, recording};

#[derive(Debug, Parser)]
#[command(name = "switchboard", version, disable_help_subcommand = true)]
struct Tools {
    #[command(subcommand)]
    tool: Tool,
}

/// A command, with its options.
#[derive(Debug, Subcommand)]
pub(super) enum Tool {
    /// Put a server under load and measure how long messages take; see bench --help
    ///
    /// Logs users in, has them send messages to each other, and measures how long each one takes. Works
    /// with any server that speaks the text dialect: a client's first message is its uid, the first
    /// text that comes back tells that it is logged in, and from then on it sends `uid:message` or
    /// `all:message`.
    ///
    /// The exit code is 0 if all that was sent has arrived, once; 1 if deliveries were lost,
    /// connections broke or the server complained; 2 if there was nothing to measure. Ctrl-C ends it
    /// early, with a report.
    Bench(Box<bench::Arguments>),
    /// Send a message to whoever is online; see send --help
    ///
    /// The exit code is 0 if all recipients are online, 1 if some are not, 2 if nothing was sent.
    Send(client::SendArguments),
    /// Tell how a server is; see status --help
    ///
    /// The exit code is 0 if it takes further clients, 1 if it does not, 2 if it does not answer.
    Status(client::StatusArguments),
    /// Have a recorded day again, and prove it; see replay --help
    ///
    /// Does to a hub what was done to the server's, and compares what everybody is told with what they
    /// were told then. Prints a digest of that, of two parts: the first is of everything in its order,
    /// the second of what each connection was told, which servers that were given the same have in
    /// common.
    ///
    /// The exit code is 0 if all is the same, 1 if the recording is torn, damaged or of another hub,
    /// after as much of it as there is, 2 if there is nothing to replay.
    Replay(recording::ReplayArguments),
    /// Tell from a recording why somebody did not get a message; see explain --help
    ///
    /// Of each message that was meant for the user, for all or for a group, it says what became of it:
    /// given to the user's connection, missed because that was too far behind, lost with it, or refused.
    ///
    /// The exit code is 0 if there was such a message, 1 if there was none or the recording is not
    /// whole, 2 if there is no recording.
    Explain(recording::ExplainArguments),
}

impl Tool {
    /// The tool that these arguments name, if their first is a tool's name.
    pub(super) fn load(arguments: &[OsString]) -> Option<Result<Self, clap::Error>> {
        let name = arguments.get(1)?;
        let is_tool = Tools::command().get_subcommands().any(|tool| name == tool.get_name());
        is_tool.then(|| Tools::try_parse_from(arguments).map(|tools| tools.tool))
    }

    /// Returns the process's exit code.
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Bench(arguments) => bench::run(*arguments),
            Self::Send(arguments) => client::send(&arguments),
            Self::Status(arguments) => client::status(&arguments),
            Self::Replay(arguments) => recording::replay(&arguments),
            Self::Explain(arguments) => recording::explain(&arguments),
        }
    }
}

/// The tools as the server's help lists them.
pub(super) fn listed() -> Vec<Command> {
    let tools = Tools::command();
    let listed = tools.get_subcommands().map(|tool| {
        // Whatever follows the name is for the tool to understand.
        let rest = Arg::new("rest").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
        let listed = Command::new(tool.get_name().to_owned()).arg(rest.hide(true));
        listed.about(tool.get_about().cloned().unwrap_or_default())
    });
    listed.collect()
}
