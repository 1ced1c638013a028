//! What the process is told: by flags, else by the environment, else by a file, else by default.
//!
//! [`Options`] is the only list of settings. The name of a flag gives the names elsewhere:
//! `--login-timeout` is `SWITCHBOARD_LOGIN_TIMEOUT` in the environment and `login-timeout` in the
//! file. What the file says becomes the flag's default, so that clap decides what wins over what.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::ErrorKind,
};

use super::{
    file::{self, File},
    options::Options,
    tools,
};

/// A push server that reaches people by name.
///
/// A client opens a WebSocket, its first message is its uid, and from then on `bob:hello` reaches
/// bob and `all:hello` reaches everybody.
#[derive(Debug, Parser)]
#[command(name = "switchboard", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    action: Option<Action>,

    /// A TOML file of settings, `login-timeout = 10` for --login-timeout 10; flags and the
    /// environment win over it. Without this, no file is read
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    options: Options,
}

/// What to do, other than to serve.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Say whether a file of settings is valid, or else all that is wrong with it
    CheckConfig {
        /// The file; without this, the one that --config names
        file: Option<PathBuf>,
    },
    /// Print all settings, as a file, with the values that flags, environment and --config give
    PrintConfig,
}

/// All that the process was told.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) action: Option<Action>,
    pub(super) options: Options,
    pub(super) file: Option<File>,
    pub(super) command: Command,
    pub(super) matches: ArgMatches,
}

/// Why there are no [`Arguments`].
#[derive(Debug)]
pub(super) enum Rejected {
    /// The command line was a question, or wrong.
    Arguments(clap::Error),
    /// Settings are wrong: a line for each.
    Settings(Vec<String>),
}

impl Rejected {
    pub(super) fn line(text: &str) -> Self {
        Self::Settings(vec![format!("switchboard: {text}")])
    }
}

impl Arguments {
    pub(super) fn load(arguments: Vec<OsString>) -> Result<Self, Rejected> {
        let command = command();
        let mut matches = parse(&command, &arguments)?;
        if let Some(name) = matches.subcommand_name()
            && tools::listed().iter().any(|tool| tool.get_name() == name)
        {
            let usage = format!("switchboard {name} --help");
            let line = format!("the server's options do not go with {name}; see `{usage}`");
            return Err(Rejected::line(&line));
        }
        let mut cli = Cli::from_arg_matches(&matches).map_err(Rejected::Arguments)?;
        let path = match &mut cli.action {
            Some(Action::CheckConfig { file }) => file.take().or(cli.config),
            _ => cli.config,
        };
        let file = path.map(|path| File::read(path, &command)).transpose();
        let file = file.map_err(Rejected::Settings)?;
        if let Some(file) = &file {
            matches = parse(&file.apply_to(command.clone()), &arguments)?;
        }
        let Cli { action, options, .. } =
            Cli::from_arg_matches(&matches).map_err(Rejected::Arguments)?;
        Ok(Self { action, options, file, command, matches })
    }
}

fn parse(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, Rejected> {
    command.clone().try_get_matches_from(arguments).map_err(|error| {
        let bad_values = match error.kind() {
            // clap names the flag, although the value may be the environment's.
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => bad_environment(command),
            _ => Vec::new(),
        };
        if bad_values.is_empty() {
            Rejected::Arguments(error)
        } else {
            Rejected::Settings(bad_values)
        }
    })
}

/// A line for each variable of the environment that has a bad value.
fn bad_environment(command: &Command) -> Vec<String> {
    let told = command.get_arguments().filter_map(|arg| {
        let variable = arg.get_env()?;
        let value = std::env::var(variable).ok()?;
        let expected = file::check(command, arg, &value).err()?;
        let (variable, flag) = (variable.display(), arg.get_long()?);
        Some(format!("switchboard: {variable}='{value}', for --{flag}: {expected}"))
    });
    told.collect()
}

fn command() -> Command {
    Cli::command().mut_args(complete).subcommands(tools::listed())
}

/// Gives a flag what all of them have.
pub(super) fn complete(arg: Arg) -> Arg {
    let Some(name) = arg.get_long() else { return arg };
    let variable = format!("SWITCHBOARD_{}", name.to_uppercase().replace('-', "_"));
    // Global: it may stand behind `print-config`.
    let arg = arg.env(variable).global(true);
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        // The flag alone means true; `=false` switches off what the file switches on.
        arg.action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .value_name("BOOL")
            .default_value("false")
            .default_missing_value("true")
    } else {
        // A negative number is a bad value, not an unknown flag.
        arg.allow_negative_numbers(true)
    }
}
