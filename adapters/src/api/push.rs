//! `POST /v1/push`: messages from other systems.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use switchboard_core::{Name, Target};

use super::{
    answer::{self, Refusal},
    control::Control,
};
use crate::wire::Text;

/// Recipients that one request can name.
const MAX_RECIPIENTS: usize = 1000;

/// A message and whom it is for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Push<'a> {
    to: Recipients,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// What was pushed at once, and whether it came as a list.
struct Pushes<'a> {
    pushes: Vec<Push<'a>>,
    is_list: bool,
}

/// What became of a push, recipient by recipient.
#[derive(Serialize)]
struct Pushed {
    recipients: Vec<Taken>,
}

#[derive(Serialize)]
struct Taken {
    to: Recipient,
    /// That it is for.
    connections: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Carries out a request. Nothing is pushed if anything of it is wrong.
pub(super) fn push(
    request: &Request<Bytes>,
    max_message: usize,
    control: &dyn Control,
) -> Result<Response<Bytes>, Refusal> {
    let Pushes { pushes, is_list } = parse(request)?;
    let recipients: usize = pushes.iter().map(|push| push.to.0.len()).sum();
    if recipients > MAX_RECIPIENTS {
        return Err(Refusal::bad_request(format!(
            "to: expected at most {MAX_RECIPIENTS} recipients in all, not {recipients}"
        )));
    }
    for (index, push) in pushes.iter().enumerate() {
        let which = if is_list { format!("push {index}: ") } else { String::new() };
        if push.to.0.is_empty() {
            return Err(Refusal::bad_request(format!(
                "{which}to: expected at least one recipient"
            )));
        }
        let size = push.message.len();
        if size > max_message {
            return Err(Refusal::bad_request(format!(
                "{which}message: expected at most {max_message} bytes, not {size}"
            )));
        }
    }
    let mut pushed: Vec<_> = pushes.into_iter().map(|push| carry_out(push, control)).collect();
    Ok(match pushed.pop() {
        Some(last) if !is_list => answer::json(StatusCode::OK, &last),
        last => {
            pushed.extend(last);
            answer::json(StatusCode::OK, &pushed)
        }
    })
}

fn carry_out(push: Push<'_>, control: &dyn Control) -> Pushed {
    let payload = Text::from(&*push.message);
    let take = |to: Recipient| {
        let (connections, error) = match control.push(to.target(), payload.clone()) {
            Ok(connections) => (connections, None),
            Err(problem) => (0, Some(problem.to_string())),
        };
        Taken { to, connections, error }
    };
    Pushed { recipients: push.to.0.into_iter().map(take).collect() }
}

fn parse(request: &Request<Bytes>) -> Result<Pushes<'_>, Refusal> {
    let body = request.body();
    let content_type = request.headers().get(CONTENT_TYPE).map(|value| value.to_str());
    let content_type = content_type.transpose().unwrap_or_default().unwrap_or_default();
    let (essence, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" => parse_json(body),
        "application/x-www-form-urlencoded" => parse_form(body),
        "" if body.is_empty() => parse_form(request.uri().query().unwrap_or_default().as_bytes()),
        _ => Err(Refusal::unsupported_media_type(
            "expected application/json or application/x-www-form-urlencoded",
        )),
    }
}

fn parse_json(body: &[u8]) -> Result<Pushes<'_>, Refusal> {
    let is_list = body.trim_ascii_start().starts_with(b"[");
    let pushes = if is_list {
        serde_json::from_slice(body)
    } else {
        serde_json::from_slice(body).map(|push| vec![push])
    };
    match pushes {
        Ok(pushes) => Ok(Pushes { pushes, is_list }),
        Err(error) => Err(Refusal::bad_request(error.to_string())),
    }
}

/// `to=bob&message=hello`, with several `to` if it is for several; `content` is the same as
/// `message`, `group=g` is a recipient, too.
fn parse_form(form: &[u8]) -> Result<Pushes<'_>, Refusal> {
    let mut to = Vec::new();
    let mut message = None;
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "to" | "group" => {
                let recipient = match &*name {
                    "to" => Recipient::named(&value),
                    _ => Recipient::group(&value),
                };
                to.push(
                    recipient.map_err(|error| Refusal::bad_request(format!("{name}: {error}")))?,
                );
            }
            "message" | "content" if message.is_none() => message = Some(value),
            "message" | "content" => {
                return Err(Refusal::bad_request("message: expected it once"));
            }
            _ => {
                let expected = "expected to, group and message";
                return Err(Refusal::bad_request(format!("{name}: {expected}")));
            }
        }
    }
    let message = message.ok_or_else(|| Refusal::bad_request("message: expected one"))?;
    let to = Recipients(to);
    Ok(Pushes { pushes: vec![Push { to, message }], is_list: false })
}

/// Whom a message is for: `"bob"`, `"all"`, `{"user": "bob"}` or `{"group": "g"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Recipient {
    #[serde(rename = "all")]
    Everyone,
    Group(String),
    #[serde(untagged)]
    User(String),
}

impl Recipient {
    fn named(name: &str) -> Result<Self, String> {
        if name == Name::EVERYONE { Ok(Self::Everyone) } else { Self::user(name) }
    }

    fn user(uid: &str) -> Result<Self, String> {
        valid(uid).map(Self::User)
    }

    fn group(group: &str) -> Result<Self, String> {
        valid(group).map(Self::Group)
    }

    fn target(&self) -> Target<'_> {
        let name = |name| Name::new(name).expect("it was checked");
        match self {
            Self::Everyone => Target::Everyone,
            Self::User(uid) => Target::User(name(uid)),
            Self::Group(group) => Target::Group(name(group)),
        }
    }
}

fn valid(name: &str) -> Result<String, String> {
    Name::new(name).map(|name| name.as_str().to_owned()).map_err(|error| error.to_string())
}

/// One recipient, or a list of them.
#[derive(Debug)]
struct Recipients(Vec<Recipient>);

const EXPECTED: &str = r#"a uid, "all", {"user": uid}, {"group": name}"#;

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecipientVisitor;

        impl<'de> Visitor<'de> for RecipientVisitor {
            type Value = Recipient;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Recipient, E> {
                Recipient::named(name).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Recipient, A::Error> {
                let Some((kind, name)) = map.next_entry::<String, String>()? else {
                    return Err(de::Error::custom(format!("expected {EXPECTED}")));
                };
                let recipient = match kind.as_str() {
                    "user" => Recipient::user(&name),
                    "group" => Recipient::group(&name),
                    other => return Err(de::Error::unknown_field(other, &["user", "group"])),
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(de::Error::custom("expected user or group, not more"));
                }
                recipient.map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(RecipientVisitor)
    }
}

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecipientsVisitor;

        impl<'de> Visitor<'de> for RecipientsVisitor {
            type Value = Recipients;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{EXPECTED}, or a list of such")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Recipients, E> {
                let one = Recipient::named(name).map_err(E::custom)?;
                Ok(Recipients(vec![one]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Recipients, A::Error> {
                let map = de::value::MapAccessDeserializer::new(map);
                Recipient::deserialize(map).map(|one| Recipients(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Recipients, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Recipients)
            }
        }

        deserializer.deserialize_any(RecipientsVisitor)
    }
}
