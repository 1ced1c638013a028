//! What users and groups are called.

use std::sync::LazyLock;

use switchboard_core::{Name, Target};

use crate::plan::To;

/// As many uids as plans may speak of.
pub(crate) const UIDS: usize = 128;

/// As many groups.
pub(crate) const GROUPS: usize = 6;

/// The model wants names that last for ever.
static UID_NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| (0..UIDS).map(|number| &*format!("u{number}").leak()).collect());

/// Some are uids as well: the two kinds of names must not be confused.
const GROUP_NAMES: [&str; GROUPS] = ["u0", "u1", "g", "h", "i", "j"];

pub(crate) fn uid(number: usize) -> Name<'static> {
    Name::new(UID_NAMES[number % UIDS]).expect("a name")
}

pub(crate) fn group(number: usize) -> Name<'static> {
    Name::new(GROUP_NAMES[number % GROUPS]).expect("a name")
}

pub(crate) fn target(to: To) -> Target<'static> {
    match to {
        To::Everyone => Target::Everyone,
        To::User(number) => Target::User(uid(number)),
        To::Group(number) => Target::Group(group(number)),
    }
}
