//! All settings with their values, as a file that gives the same settings.

use clap::{Arg, ArgMatches, Command, builder::PossibleValue, parser::ValueSource};
use toml::Value;

use super::file::{self, File};

/// Each setting of `command` with its help before it, and behind it where its value comes from.
/// `command` itself was not told of the file.
pub(super) fn settings(command: &Command, matches: &ArgMatches, file: Option<&File>) -> String {
    let mut lines = vec![
        "# The settings of switchboard. What is marked as default can be left out.".to_owned(),
    ];
    let mut heading = None;
    for arg in file::settable(command) {
        if heading != arg.get_help_heading() {
            heading = arg.get_help_heading();
            lines.extend([String::new(), format!("# ---- {} ----", heading.unwrap_or("Others"))]);
        }
        lines.push(String::new());
        lines.extend(help(arg).iter().map(|line| format!("# {line}").trim_end().to_owned()));
        lines.push(setting(arg, matches, file));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn help(arg: &Arg) -> Vec<String> {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string);
    let mut lines: Vec<String> =
        help.iter().flat_map(|help| help.lines()).map(Into::into).collect();
    if !file::is_switch(arg) {
        let (explained, plain): (Vec<_>, Vec<_>) =
            arg.get_possible_values().into_iter().partition(|value| value.get_help().is_some());
        for value in explained {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            lines.push(format!("- {}: {help}", value.get_name()));
        }
        if !plain.is_empty() {
            let names: Vec<&str> = plain.iter().map(PossibleValue::get_name).collect();
            lines.push(format!("One of {}", names.join(", ")));
        }
    }
    lines
}

fn setting(arg: &Arg, matches: &ArgMatches, file: Option<&File>) -> String {
    let name = arg.get_long().expect("a setting has a name");
    let values = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
    let values: Vec<String> = values.map(|value| literal(arg, &value.to_string_lossy())).collect();
    let value = match &values[..] {
        values if file::takes_several(arg) => format!("[{}]", values.join(", ")),
        [value] => value.clone(),
        _ => {
            let placeholder = arg.get_value_names().and_then(|names| names.first());
            let placeholder = placeholder.map_or("VALUE", |name| name.as_str());
            return format!("# {name} = {placeholder}  # not set");
        }
    };
    let place = file.and_then(|file| file.place(name));
    let origin = match (matches.value_source(arg.get_id().as_str()), place) {
        (Some(ValueSource::CommandLine), _) => format!("from --{name}"),
        (Some(ValueSource::EnvVariable), _) => {
            let variable = arg.get_env().unwrap_or_default();
            format!("from {}", variable.display())
        }
        (_, Some(place)) => format!("from {place}"),
        _ => "default".to_owned(),
    };
    let default: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let default = match &default[..] {
        _ if origin == "default" => String::new(),
        [] => String::new(),
        default => format!("; default {}", default.join(", ")),
    };
    format!("{name} = {value}  # {origin}{default}")
}

/// A value as TOML.
fn literal(arg: &Arg, value: &str) -> String {
    let is_number = value.parse().is_ok_and(|number: i64| number.to_string() == value);
    if file::is_switch(arg) || (is_number && !file::is_text(arg)) {
        value.to_owned()
    } else {
        Value::from(value).to_string()
    }
}
