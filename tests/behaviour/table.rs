//! The table.

use std::time::Duration;

use Step::{
    Connects, Faults, Hears, HearsClose, HearsLong, Leaves, LogsIn, Says, SaysLong, ServerStops,
};
use switchboard::Settings;
use switchboard_core::{Config, DuplicateUid, Fault, RingLimit};

/// One row: with these settings, this happens.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) with: Setup,
    pub(crate) script: &'static [Step],
}

/// Somebody does something, or hears something. Who hears something hears it next: nothing comes
/// before it.
#[derive(Debug)]
pub(crate) enum Step {
    /// Opens a WebSocket.
    Connects(&'static str),
    /// Opens a WebSocket, sends its name as its uid and hears that it is logged in.
    LogsIn(&'static str),
    /// Sends a text message.
    Says(&'static str, &'static str),
    /// Sends `<uid>:` and so many bytes.
    SaysLong(&'static str, &'static str, usize),
    /// Sends what is not acceptable.
    Faults(&'static str, Fault),
    /// Closes, and waits until the server has, too.
    Leaves(&'static str),
    /// Receives a text message.
    Hears(&'static str, &'static str),
    /// Receives a text message of so many bytes.
    HearsLong(&'static str, usize),
    /// Is closed, with this code.
    HearsClose(&'static str, u16),
    /// The server is told to stop.
    ServerStops,
}

/// The settings that rows differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// Whoever has logged in stays as long as they like.
    Default,
    Share,
    Reject,
    /// The login time is short.
    Hurry,
}

impl Setup {
    pub(crate) fn settings(self) -> Settings {
        let ring = RingLimit { entries: 64, bytes: 1 << 20 };
        let login_timeout = if self == Self::Hurry { 300 } else { 60_000 };
        let hub = Config {
            duplicate_uid: match self {
                Self::Default | Self::Hurry => DuplicateUid::Replace,
                Self::Share => DuplicateUid::Share,
                Self::Reject => DuplicateUid::Reject,
            },
            login_timeout: Duration::from_millis(login_timeout),
            everyone_ring: ring,
            user_ring: ring,
            ..Config::default()
        };
        Settings { hub, ..Settings::default() }
    }

    /// The same for the server as a WASI component, as far as rows depend on it.
    pub(crate) fn wasi_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Default => &["--login-timeout", "60"],
            Self::Share => &["--login-timeout", "60", "--duplicate-uid", "share"],
            Self::Reject => &["--login-timeout", "60", "--duplicate-uid", "reject"],
            Self::Hurry => &["--login-timeout", "0.3"],
        }
    }
}

pub(crate) const TABLE: &[Row] = &[
    Row {
        name: "the first text message is the uid",
        with: Setup::Default,
        script: &[
            Connects("alice"),
            Says("alice", "alice"),
            Hears("alice", "login success, your uid is alice"),
            Says("alice", "alice:that is me"),
            Hears("alice", "that is me"),
        ],
    },
    Row {
        name: "a uid can be in any script and have spaces",
        with: Setup::Default,
        script: &[
            Connects("a"),
            Says("a", " \u{7231}\u{4e3d}\u{4e1d} "),
            Hears("a", "login success, your uid is  \u{7231}\u{4e3d}\u{4e1d} "),
            Says("a", " \u{7231}\u{4e3d}\u{4e1d} :hi"),
            Hears("a", "hi"),
        ],
    },
    Row {
        name: "a bad uid is refused, and may be tried again",
        with: Setup::Default,
        script: &[
            Connects("a"),
            Says("a", ""),
            Hears("a", "error: the uid is empty"),
            Says("a", "all"),
            Hears("a", "error: the uid all is reserved for everybody"),
            Says("a", "a:b"),
            Hears("a", "error: the uid contains a colon"),
            Says("a", "a\tb"),
            Hears("a", "error: the uid contains a control character"),
            Says("a", NAME_129),
            Hears("a", "error: the uid has 129 bytes, at most 128 are allowed"),
            Says("a", "alice"),
            Hears("a", "login success, your uid is alice"),
        ],
    },
    Row {
        name: "a uid of 128 bytes is long enough for anybody",
        with: Setup::Default,
        script: &[Connects("a"), Says("a", NAME_129.split_at(1).1), Hears("a", LOGIN_128)],
    },
    Row {
        name: "who is refused is not logged in",
        with: Setup::Default,
        script: &[
            LogsIn("bob"),
            Connects("a"),
            Says("a", "bob:hi"),
            Hears("a", "error: the uid contains a colon"),
            Says("bob", "all:hi"),
            Hears("bob", "hi"),
            Says("a", "alice"),
            Hears("a", "login success, your uid is alice"),
        ],
    },
    Row {
        name: "a message reaches its uid, all after the first colon, and nobody else",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            LogsIn("eve"),
            Says("alice", "bob:a:b"),
            Hears("bob", "a:b"),
            Says("alice", "bob:"),
            Hears("bob", ""),
            Says("alice", "bob: two\nlines "),
            Hears("bob", " two\nlines "),
            Says("eve", "eve:first"),
            Hears("eve", "first"),
            Says("alice", "alice:first"),
            Hears("alice", "first"),
        ],
    },
    Row {
        name: "a message to all reaches everybody who is logged in, the sender too",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            Connects("a stranger"),
            Says("alice", "all:hi:there"),
            Hears("alice", "hi:there"),
            Hears("bob", "hi:there"),
            Says("a stranger", "eve"),
            Hears("a stranger", "login success, your uid is eve"),
            Says("bob", "all:again"),
            Hears("a stranger", "again"),
        ],
    },
    Row {
        name: "messages come in the order in which they were sent",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            Says("alice", "bob:1"),
            Says("alice", "all:2"),
            Says("alice", "nobody:x"),
            Says("alice", "bob:3"),
            Says("alice", "all:4"),
            Hears("bob", "1"),
            Hears("bob", "2"),
            Hears("bob", "3"),
            Hears("bob", "4"),
            Hears("alice", "2"),
            Hears("alice", "error: nobody is not online"),
            Hears("alice", "4"),
        ],
    },
    Row {
        name: "who is not online cannot be reached, and the sender learns it",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            Says("alice", "nobody:hi"),
            Hears("alice", "error: nobody is not online"),
            Says("alice", "ALL:hi"),
            Hears("alice", "error: ALL is not online"),
            Says("alice", "a\tb:hi"),
            Hears("alice", "error: the uid contains a control character"),
        ],
    },
    Row {
        name: "a message needs a uid and a colon",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            Says("alice", "hello"),
            Hears("alice", "error: expected uid:message"),
            Says("alice", ""),
            Hears("alice", "error: expected uid:message"),
            Says("alice", ":hello"),
            Hears("alice", "error: expected uid:message"),
            Says("alice", "alice"),
            Hears("alice", "error: expected uid:message"),
        ],
    },
    Row {
        name: "who has left is not online, and may come back",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            Leaves("bob"),
            Says("alice", "bob:hi"),
            Hears("alice", "error: bob is not online"),
            LogsIn("bob"),
            Says("alice", "bob:welcome back"),
            Hears("bob", "welcome back"),
        ],
    },
    Row {
        name: "a message of the largest size is passed on",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            SaysLong("alice", "bob", 65_536 - "bob:".len()),
            HearsLong("bob", 65_536 - "bob:".len()),
        ],
    },
    Row {
        name: "a larger one closes its sender with 1009, and nobody else",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            SaysLong("alice", "bob", 65_537 - "bob:".len()),
            HearsClose("alice", 1009),
            LogsIn("eve"),
            SaysLong("eve", "bob", 3_000_000),
            HearsClose("eve", 1009),
            Says("bob", "alice:hi"),
            Hears("bob", "error: alice is not online"),
        ],
    },
    Row {
        name: "a binary message closes its sender with 1003",
        with: Setup::Default,
        script: &[
            LogsIn("bob"),
            Connects("a"),
            Faults("a", Fault::Binary),
            HearsClose("a", 1003),
            LogsIn("alice"),
            Faults("alice", Fault::Binary),
            HearsClose("alice", 1003),
            Says("bob", "alice:hi"),
            Hears("bob", "error: alice is not online"),
        ],
    },
    Row {
        name: "text that is not UTF-8 closes its sender with 1007",
        with: Setup::Default,
        script: &[
            LogsIn("bob"),
            LogsIn("alice"),
            Faults("alice", Fault::NotUtf8),
            HearsClose("alice", 1007),
            Says("bob", "alice:hi"),
            Hears("bob", "error: alice is not online"),
        ],
    },
    Row {
        name: "who breaks the WebSocket protocol is closed with 1002",
        with: Setup::Default,
        script: &[LogsIn("alice"), Faults("alice", Fault::Protocol), HearsClose("alice", 1002)],
    },
    Row {
        name: "who does not log in in time is closed with 1008, whatever else they say",
        with: Setup::Hurry,
        script: &[
            LogsIn("alice"),
            Connects("a"),
            Connects("b"),
            Says("b", "a:b"),
            Hears("b", "error: the uid contains a colon"),
            HearsClose("a", 1008),
            HearsClose("b", 1008),
            Says("alice", "alice:still here"),
            Hears("alice", "still here"),
        ],
    },
    Row {
        name: "replace: a newer login takes the uid over",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            Connects("older"),
            Says("older", "bob"),
            Hears("older", "login success, your uid is bob"),
            Connects("newer"),
            Says("newer", "bob"),
            Hears("newer", "login success, your uid is bob"),
            HearsClose("older", 4001),
            Says("alice", "bob:hi"),
            Hears("newer", "hi"),
        ],
    },
    Row {
        name: "replace: the older connection's end does not touch the newer one",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            Connects("1"),
            Says("1", "bob"),
            Hears("1", "login success, your uid is bob"),
            Connects("2"),
            Says("2", "bob"),
            Hears("2", "login success, your uid is bob"),
            Leaves("1"),
            Says("alice", "bob:hi"),
            Hears("2", "hi"),
            Connects("3"),
            Says("3", "bob"),
            Hears("3", "login success, your uid is bob"),
            HearsClose("2", 4001),
            Says("alice", "bob:hi"),
            Hears("3", "hi"),
            Leaves("3"),
            Says("alice", "bob:hi"),
            Hears("alice", "error: bob is not online"),
        ],
    },
    Row {
        name: "share: both receive, and the uid is online until the last one has left",
        with: Setup::Share,
        script: &[
            LogsIn("alice"),
            Connects("1"),
            Says("1", "bob"),
            Hears("1", "login success, your uid is bob"),
            Connects("2"),
            Says("2", "bob"),
            Hears("2", "login success, your uid is bob"),
            Says("alice", "bob:both"),
            Hears("1", "both"),
            Hears("2", "both"),
            Says("1", "all:once"),
            Hears("1", "once"),
            Hears("2", "once"),
            Leaves("1"),
            Says("alice", "bob:one"),
            Hears("2", "one"),
            Leaves("2"),
            Hears("alice", "once"),
            Says("alice", "bob:none"),
            Hears("alice", "error: bob is not online"),
        ],
    },
    Row {
        name: "reject: the newer login gets an error, and may try another uid",
        with: Setup::Reject,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            Connects("newer"),
            Says("newer", "bob"),
            Hears("newer", "error: bob is already online"),
            Says("alice", "bob:hi"),
            Hears("bob", "hi"),
            Says("newer", "eve"),
            Hears("newer", "login success, your uid is eve"),
            Leaves("bob"),
            LogsIn("bob"),
        ],
    },
    Row {
        name: "a server that stops says so to everybody, after what it has taken",
        with: Setup::Default,
        script: &[
            LogsIn("alice"),
            LogsIn("bob"),
            Connects("a stranger"),
            Says("alice", "bob:last words"),
            Says("alice", "alice:said"),
            Hears("alice", "said"),
            ServerStops,
            HearsClose("alice", 1001),
            HearsClose("a stranger", 1001),
            Hears("bob", "last words"),
            HearsClose("bob", 1001),
        ],
    },
];

const NAME_129: &str = concat!(
    "0123456789012345678901234567890123456789012345678901234567890123",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "4"
);

const LOGIN_128: &str = concat!(
    "login success, your uid is ",
    "123456789012345678901234567890123456789012345678901234567890123",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "4"
);
