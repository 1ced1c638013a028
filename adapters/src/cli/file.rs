//! The file of settings: TOML, whose keys are the names of flags.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    error::Error as _,
    ffi::OsString,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use clap::{
    Arg, ArgAction, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A file of valid settings.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// By the names of flags.
    settings: BTreeMap<String, Setting>,
}

#[derive(Debug)]
struct Setting {
    line: usize,
    /// As they would stand behind the flag.
    values: Vec<String>,
}

/// What `--config` itself is called; the file cannot set it.
pub(super) const CONFIG: &str = "config";

impl File {
    /// Reads a file and checks it against the flags of `command`.
    ///
    /// # Errors
    /// All that is wrong, a line each.
    pub(super) fn read(path: PathBuf, command: &Command) -> Result<Self, Vec<String>> {
        let text = fs::read(&path).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default();
            vec![format!("switchboard: cannot read {}: {reason}", path.display())]
        })?;
        match parse(&text, command) {
            Ok(settings) => Ok(Self { path, settings }),
            Err(errors) => Err(lines(&path, errors)),
        }
    }

    /// Makes the settings the defaults of their flags.
    pub(super) fn apply_to(&self, mut command: Command) -> Command {
        for (name, setting) in &self.settings {
            let id = find(&command, name).map(|arg| arg.get_id().clone());
            let values = setting.values.clone();
            if let Some(id) = id {
                command = command.mut_arg(id, |arg| arg.default_values(values));
            }
        }
        command
    }

    /// Where this file sets a flag, if it does.
    pub(super) fn place(&self, name: &str) -> Option<String> {
        let setting = self.settings.get(name)?;
        Some(format!("{}:{}", self.path.display(), setting.line))
    }
}

/// What is wrong, and in which line.
type Errors = Vec<(usize, String)>;

fn lines(path: &Path, mut errors: Errors) -> Vec<String> {
    errors.sort();
    errors.iter().map(|(line, error)| format!("{}:{line}: {error}", path.display())).collect()
}

fn parse(text: &[u8], command: &Command) -> Result<BTreeMap<String, Setting>, Errors> {
    let text = str::from_utf8(text).map_err(|error| {
        let line = line(&text[..error.valid_up_to()]);
        vec![(line, "not UTF-8; expected a text in UTF-8".to_owned())]
    })?;
    let (table, syntax_errors) = DeTable::parse_recoverable(text);
    let line_of = |span: Range<usize>| line(&text.as_bytes()[..span.start]);

    let mut errors = Errors::new();
    for error in syntax_errors {
        let line = line_of(error.span().unwrap_or_default());
        let found = text.lines().nth(line - 1).unwrap_or_default().trim();
        errors.push((line, format!("{found}: not TOML: {}", one_line(error.message()))));
    }
    // What was recovered from a bad line says nothing.
    let bad_lines: BTreeSet<usize> = errors.iter().map(|(line, _)| *line).collect();

    let mut settings = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let line = line_of(key.span());
        if bad_lines.contains(&line) {
            continue;
        }
        let name = key.get_ref().as_ref();
        if let DeValue::Table(_) = value.get_ref() {
            errors.push((line, format!("{name}: there are no sections; expected name = value")));
            continue;
        }
        match values(command, name, value) {
            Ok(values) => drop(settings.insert(name.to_owned(), Setting { line, values })),
            Err(problems) => errors.extend(problems.into_iter().map(|(span, problem)| {
                let found = text[span.clone()].lines().next().unwrap_or_default();
                (line_of(span), format!("{name} = {found}: {problem}"))
            })),
        }
    }
    if errors.is_empty() { Ok(settings) } else { Err(errors) }
}

/// The number of the line in which this beginning of a text ends.
fn line(beginning: &[u8]) -> usize {
    1 + beginning.iter().filter(|byte| **byte == b'\n').count()
}

fn one_line(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join("; ")
}

/// The values that a key is given, as they would stand behind the flag, or what is wrong, and with
/// which of them.
fn values(
    command: &Command,
    name: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<String>, Vec<(Range<usize>, String)>> {
    let Some(arg) = find(command, name) else {
        return Err(vec![(value.span(), unknown(command, name))]);
    };
    let values: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
        DeValue::Array(values) if takes_several(arg) => values.iter().collect(),
        _ => vec![value],
    };
    let mut texts = Vec::new();
    let mut errors = Vec::new();
    for value in values {
        let text = text(arg, value.get_ref());
        let text = text.and_then(|text| check(command, arg, &text).map(|()| text));
        match text {
            Ok(text) => texts.push(text),
            Err(problem) => errors.push((value.span(), problem)),
        }
    }
    if errors.is_empty() { Ok(texts) } else { Err(errors) }
}

/// The flag of this name.
fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    settable(command).find(|arg| arg.get_long() == Some(name))
}

/// The flags that a file can set.
pub(super) fn settable(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_long().is_some_and(|name| name != CONFIG))
}

/// Names less alike than this are not mistaken for each other; clap says so, too.
const ALIKE: f64 = 0.7;

fn unknown(command: &Command, name: &str) -> String {
    let known = settable(command).filter_map(Arg::get_long);
    let known = known.map(|known| (strsim::jaro_winkler(name, known), known));
    match known.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((likeness, known)) if likeness > ALIKE => {
            format!("no such setting; did you mean {known}?")
        }
        _ => "no such setting; `switchboard print-config` shows all".to_owned(),
    }
}

pub(super) fn takes_several(arg: &Arg) -> bool {
    let is_list = arg.get_num_args().is_some_and(|count| count.max_values() > 1);
    is_list || matches!(arg.get_action(), ArgAction::Append)
}

/// Whether the values of a flag are true and false.
pub(super) fn is_switch(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<bool>()
}

/// Whether the values of a flag are text, of which 10 is none.
pub(super) fn is_text(arg: &Arg) -> bool {
    let id = arg.get_value_parser().type_id();
    [TypeId::of::<String>(), TypeId::of::<OsString>(), TypeId::of::<PathBuf>()]
        .into_iter()
        .any(|text| id == text)
}

/// A value as it would stand behind the flag.
fn text(arg: &Arg, value: &DeValue<'_>) -> Result<String, String> {
    if let DeValue::Array(_) = value {
        return Err("expected one value, not a list".to_owned());
    }
    if is_switch(arg) {
        return match value {
            DeValue::Boolean(value) => Ok(value.to_string()),
            _ => Err("expected true or false, without quotes".to_owned()),
        };
    }
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ if is_text(arg) => Err("expected a text in quotes".to_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|number| number.to_string())
            .map_err(|_| "expected a smaller number".to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        // The flag's own check tells what it expects.
        other => Ok(match other {
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(value) => value.to_string(),
            _ => String::new(),
        }),
    }
}

/// Whether a flag takes this value, or else what it expects.
pub(super) fn check(command: &Command, arg: &Arg, value: &str) -> Result<(), String> {
    let Some(name) = arg.get_long() else { return Ok(()) };
    let command = command.clone().mut_args(|arg| arg.env(Resettable::Reset));
    let error = match command.try_get_matches_from(["", &format!("--{name}={value}")]) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let expected = match (error.kind(), error.source(), error.get(ContextKind::ValidValue)) {
        // Other flags may be missing or in the way; that is for the whole to tell.
        (ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict, ..) => return Ok(()),
        (_, Some(expected), _) => expected.to_string(),
        (_, _, Some(ContextValue::Strings(values))) => {
            format!("expected one of {}", values.join(", "))
        }
        _ => error.to_string().lines().next().unwrap_or_default().replace("error: ", ""),
    };
    Err(one_line(&expected))
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::cli::{arguments, print};

    /// Kinds of settings that others will have.
    #[derive(Debug, PartialEq, Args)]
    struct Kinds {
        #[arg(long)]
        origin: Vec<String>,
        #[arg(long, num_args = 1.., value_delimiter = ',')]
        port: Vec<u16>,
        #[arg(long)]
        proxy: bool,
        #[arg(long, requires = "key")]
        certificate: Option<PathBuf>,
        #[arg(long)]
        key: Option<PathBuf>,
    }

    fn command() -> Command {
        Kinds::augment_args(Command::new("kinds")).mut_args(arguments::complete)
    }

    fn kinds(text: &str, flags: &[&str]) -> Kinds {
        let settings = parse(text.as_bytes(), &command()).expect("valid settings");
        let command = File { path: PathBuf::new(), settings }.apply_to(command());
        let matches = command.try_get_matches_from([&[""], flags].concat()).expect("valid flags");
        Kinds::from_arg_matches(&matches).expect("all values are there")
    }

    #[test]
    fn lists_switches_and_settings_without_a_default() {
        let file = "origin = ['a', 'b']\nport = [\n  1,\n  2,\n]\nproxy = true\ncertificate = 'c'";
        let [origin, more] = [["a", "b"], ["c", "d"]].map(|list| list.map(str::to_owned).to_vec());
        let certificate = Some(PathBuf::from("c"));
        let told = Kinds { origin, port: vec![1, 2], proxy: true, certificate, key: None };
        assert_eq!(kinds(file, &[]), told);
        let flags = ["--origin=c", "--origin", "d", "--port=3,4", "--proxy=false"];
        let told = Kinds { origin: more, port: vec![3, 4], proxy: false, ..told };
        assert_eq!(kinds(file, &flags), told);
        assert!(kinds("", &["--proxy"]).proxy);
        assert_eq!(kinds("origin = []\nproxy = false", &[]), kinds("", &[]));
        assert_eq!(kinds("origin = 'a'", &[]).origin, ["a"]);
    }

    #[test]
    fn they_can_be_printed_and_read_again() {
        for flags in [&["--origin=1", "--origin=a\"b", "--port=1,2", "--proxy", "--key=k"][..], &[]]
        {
            let matches = command().try_get_matches_from([&[""], flags].concat()).expect("valid");
            let printed = print::settings(&command(), &matches, None);
            assert_eq!(kinds(&printed, &[]), kinds("", flags), "{printed}");
        }
    }

    #[test]
    fn what_is_wrong_with_them_is_told_with_its_line() {
        let file = "port = [\n  1,\n  70000,\n  'x',\n]\nproxy = 'true'\nkey = ['a']\norigin = [1]";
        assert_eq!(
            parse(file.as_bytes(), &command())
                .map_err(|errors| lines(Path::new("f"), errors))
                .err(),
            Some(
                [
                    "f:3: port = 70000: 70000 is not in 0..=65535",
                    "f:4: port = 'x': invalid digit found in string",
                    "f:6: proxy = 'true': expected true or false, without quotes",
                    "f:7: key = ['a']: expected one value, not a list",
                    "f:8: origin = 1: expected a text in quotes",
                ]
                .map(str::to_owned)
                .to_vec()
            )
        );
    }

    #[test]
    fn not_utf_8() {
        let errors = parse(b"listen = 'a'\n# \xff", &command()).expect_err("not text");
        assert_eq!(errors, [(2, "not UTF-8; expected a text in UTF-8".to_owned())]);
    }
}
