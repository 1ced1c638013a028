//! What the fuzz targets do with their bytes. No bytes may make any of these panic.

use switchboard_core::{
    CloseReason, Frame, Hub, HubState, Name, NameError, Problem, Request, Stage, Target,
    text::{self, Printed},
};

use crate::{
    Op,
    alone::Alone,
    check,
    op::{CONFIG_BYTES, config},
};

/// A configuration and operations, for the hub and its model. What is missing of the configuration
/// is taken to be zero.
pub fn hub(data: &[u8]) {
    let (head, ops) = data.split_at(data.len().min(CONFIG_BYTES));
    let mut bytes = [0; CONFIG_BYTES];
    bytes[..head.len()].copy_from_slice(head);
    let (ops, _) = ops.as_chunks();
    let ops: Vec<_> = ops.iter().copied().map(Op::decode).collect();
    check::run(config(bytes), &ops);
}

/// Operations, and the state of a hub that they are to be applied to. What is no state is refused; what
/// is one, however it came about, goes on as hubs do.
pub fn state(data: &[u8]) {
    let (ops, state) = data.split_at(data.len().min(16 * Op::BYTES));
    let Ok(state) = postcard::from_bytes::<HubState<String>>(state) else { return };
    let (conns, now) = (state.connections().collect::<Vec<_>>(), state.now());
    let Ok(hub) = Hub::restore(state, 1) else { return };
    hub.assert_consistent();
    let (ops, _) = ops.as_chunks();
    Alone::new(hub, conns, now).run(ops.iter().copied().map(Op::decode));
}

/// A text message from a client, whatever the stage, and the same text wherever the server prints
/// one.
pub fn text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for stage in [Stage::Login, Stage::Credential, Stage::Open, Stage::Closing] {
        let request = text::parse(stage, &text);
        assert_eq!(request, expected(stage, &text));
        let printed = text::print_request(&request);
        if let Request::Invalid(problem) = request {
            assert_eq!(printed, None);
            print_problem(problem);
        } else {
            assert_eq!(printed.as_deref(), Some(&*text));
        }
    }
    print_frames(&text);
    print_names(&text);
}

/// What the manual says of a message, in other words than the parser's.
fn expected(stage: Stage, text: &str) -> Request<'_, &str> {
    let invalid = |error: NameError| Request::Invalid(Problem::InvalidName(error));
    if stage == Stage::Login {
        return name(text).map_or_else(invalid, Request::Login);
    }
    if stage == Stage::Credential {
        return Request::Authenticate(text);
    }
    let Some(colon) = text.bytes().position(|byte| byte == b':') else {
        return Request::Invalid(Problem::ExpectedUidMessage);
    };
    let (uid, payload) = (&text[..colon], &text[colon + 1..]);
    if uid.is_empty() {
        return Request::Invalid(Problem::ExpectedUidMessage);
    }
    if uid == "all" {
        let to = Target::Everyone;
        return Request::Send { to, payload };
    }
    name(uid).map_or_else(invalid, |uid| {
        let to = Target::User(uid);
        Request::Send { to, payload }
    })
}

/// A name, if it is one by the rules.
fn name(text: &str) -> Result<Name<'_>, NameError> {
    let mut is_plain = true;
    for c in text.chars() {
        is_plain &= c != ':' && !matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}');
    }
    let is_valid = matches!(text.len(), 1..=128) && is_plain && text != "all";
    let name = Name::new(text);
    assert_eq!(name.is_ok(), is_valid, "{text:?}");
    if let Ok(name) = name {
        assert_eq!(name.as_str(), text);
    }
    name
}

fn print_problem(problem: Problem) {
    let line = line(Frame::Problem(problem.clone()));
    assert_eq!(line, format!("error: {problem}"));
    assert!(line.is_ascii() && !line.contains('\n'), "{line:?}");
}

fn print_frames(text: &str) {
    let message = Frame::Message { seq: 1, payload: text };
    assert_eq!(text::print(message), Printed::Payload(text));
    let missed = text.len() as u64 + 1;
    let messages = if missed == 1 { "message" } else { "messages" };
    let expected = format!("error: you missed {missed} {messages}");
    assert_eq!(line(Frame::Gap { missed }), expected);
    assert_eq!(text::print(Frame::<&str>::Ping), Printed::Ping);
    for reason in [CloseReason::Replaced, CloseReason::Shutdown] {
        let printed = text::print(Frame::<&str>::Close(reason.clone()));
        assert_eq!(printed, Printed::Close(reason));
    }
}

/// Only what is a name comes to stand in a line of the server's.
fn print_names(text: &str) {
    if name(text).is_err() {
        return;
    }
    let uid = || text.into();
    let expected = format!("login success, your uid is {text}");
    assert_eq!(line(Frame::LoggedIn { uid: uid() }), expected);
    let expected = format!("error: {text} is not online");
    let problem = Problem::NotOnline(uid());
    assert_eq!(line(Frame::Problem(problem)), expected);
}

fn line(frame: Frame<&str>) -> String {
    match text::print(frame) {
        Printed::Line(line) => line,
        other => panic!("{other:?} is not a line of the server's"),
    }
}
