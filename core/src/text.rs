//! The text dialect: what a client that offers no WebSocket subprotocol speaks.
//!
//! The first text message is the client's uid, or a credential if those are checked. From then on `bob:hello` reaches bob and `all:hello`
//! reaches everybody. The uid ends at the first colon; the message is all that follows, colons
//! included. The server answers a login with `login success, your uid is <uid>`, passes messages on
//! as they are, and reports errors as `error: <why>`.
//!
//! Nothing here keeps state or does I/O: [`parse`] and [`print`] are functions.

use alloc::{format, string::String};

use crate::{CloseReason, Frame, Name, Problem, Request, Stage, Target};

/// What a client's text message asks for.
///
/// What cannot be understood becomes [`Request::Invalid`], which the hub answers in order.
pub fn parse(stage: Stage, text: &str) -> Request<'_, &str> {
    match stage {
        Stage::Login => Name::new(text).map_or_else(invalid, Request::Login),
        Stage::Credential => Request::Authenticate(text),
        Stage::Open | Stage::Closing => match text.split_once(':') {
            None | Some(("", _)) => Request::Invalid(Problem::ExpectedUidMessage),
            Some((Name::EVERYONE, payload)) => Request::Send { to: Target::Everyone, payload },
            Some((uid, payload)) => Name::new(uid)
                .map_or_else(invalid, |uid| Request::Send { to: Target::User(uid), payload }),
        },
    }
}

fn invalid<'a>(error: crate::NameError) -> Request<'a, &'a str> {
    Request::Invalid(error.into())
}

/// The text message with which a client asks for `request`, or `None` where the dialect has no
/// words for it (groups).
pub fn print_request(request: &Request<'_, impl AsRef<str>>) -> Option<String> {
    match request {
        Request::Login(uid) => Some(uid.as_str().into()),
        Request::Authenticate(credential) => Some(credential.as_ref().into()),
        Request::Send { to: Target::User(uid), payload } => {
            Some(format!("{uid}:{}", payload.as_ref()))
        }
        Request::Send { to: Target::Everyone, payload } => {
            Some(format!("{}:{}", Name::EVERYONE, payload.as_ref()))
        }
        Request::Send { to: Target::Group(_), .. }
        | Request::Join(_)
        | Request::Leave(_)
        | Request::Invalid(_) => None,
    }
}

/// What a frame looks like to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed<P> {
    /// A text message with the payload as it is.
    Payload(P),
    /// A text message from the server itself.
    Line(String),
    /// A ping frame, with nothing in it.
    Ping,
    /// A close frame.
    Close(CloseReason),
}

/// Puts `frame` into words.
pub fn print<P>(frame: Frame<P>) -> Printed<P> {
    match frame {
        Frame::Message { payload, .. } => Printed::Payload(payload),
        Frame::LoggedIn { uid } => Printed::Line(format!("login success, your uid is {uid}")),
        Frame::Problem(problem) => Printed::Line(format!("error: {problem}")),
        Frame::Gap { missed: 1 } => Printed::Line("error: you missed 1 message".into()),
        Frame::Gap { missed } => Printed::Line(format!("error: you missed {missed} messages")),
        Frame::Ping => Printed::Ping,
        Frame::Close(reason) => Printed::Close(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(to: &'static str, payload: &'static str) -> Request<'static, &'static str> {
        let to = Name::new(to).expect("a valid name");
        Request::Send { to: Target::User(to), payload }
    }

    #[test]
    fn the_first_message_is_the_uid() {
        let login = |uid| Request::Login(Name::new(uid).expect("a valid name"));
        assert_eq!(parse(Stage::Login, "alice"), login("alice"));
        assert_eq!(parse(Stage::Login, " a b "), login(" a b "));
        assert_eq!(parse(Stage::Login, "爱丽丝"), login("爱丽丝"));
    }

    #[test]
    fn where_credentials_are_checked_the_first_message_is_one_whatever_it_is() {
        for text in ["", "alice", "a:b", "all"] {
            assert_eq!(parse(Stage::Credential, text), Request::Authenticate(text));
        }
    }

    #[test]
    fn a_uid_must_be_one_that_can_be_written_to() {
        for bad in ["", "all", "a:b", "a\nb", "a\u{7f}", &"x".repeat(129)] {
            let request = parse(Stage::Login, bad);
            assert!(matches!(request, Request::Invalid(Problem::InvalidName(_))), "{bad:?}");
        }
        assert!(matches!(parse(Stage::Login, &"x".repeat(128)), Request::Login(_)));
    }

    #[test]
    fn then_the_uid_ends_at_the_first_colon() {
        assert_eq!(parse(Stage::Open, "bob:hello"), send("bob", "hello"));
        assert_eq!(parse(Stage::Open, "bob:a:b"), send("bob", "a:b"));
        assert_eq!(parse(Stage::Open, "bob:"), send("bob", ""));
        assert_eq!(parse(Stage::Open, " bob: hi"), send(" bob", " hi"));
    }

    #[test]
    fn all_is_everybody_and_only_in_lower_case() {
        let to_all = Request::Send { to: Target::Everyone, payload: "x:y" };
        assert_eq!(parse(Stage::Open, "all:x:y"), to_all);
        assert_eq!(parse(Stage::Open, "ALL:x"), send("ALL", "x"));
    }

    #[test]
    fn what_names_nobody_is_an_error() {
        for bad in ["hello", "", ":hello", ":"] {
            let expected = Request::Invalid(Problem::ExpectedUidMessage);
            assert_eq!(parse(Stage::Open, bad), expected, "{bad:?}");
        }
        let long = format!("{}:hi", "x".repeat(129));
        for bad in ["a\tb:hi", &long] {
            let request = parse(Stage::Open, bad);
            assert!(matches!(request, Request::Invalid(Problem::InvalidName(_))), "{bad:?}");
        }
    }

    #[test]
    fn the_server_answers_in_these_words() {
        let line = |frame: Frame<&'static str>| match print(frame) {
            Printed::Line(line) => line,
            other => panic!("{other:?}"),
        };
        let uid = "alice".into();
        assert_eq!(line(Frame::LoggedIn { uid }), "login success, your uid is alice");
        let offline = Problem::NotOnline("nobody".into());
        assert_eq!(line(Frame::Problem(offline)), "error: nobody is not online");
        let expected = Problem::ExpectedUidMessage;
        assert_eq!(line(Frame::Problem(expected)), "error: expected uid:message");
        assert_eq!(line(Frame::Gap { missed: 1 }), "error: you missed 1 message");
        assert_eq!(line(Frame::Gap { missed: 2 }), "error: you missed 2 messages");
        assert_eq!(print(Frame::<&str>::Ping), Printed::Ping);
        assert_eq!(print(Frame::Message { seq: 1, payload: "hi" }), Printed::Payload("hi"));
    }
}
