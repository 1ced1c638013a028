//! Frames that are the same for many, encoded once.

use std::collections::VecDeque;

use bytes::Bytes;
use tungstenite::Message;

use super::{frame, put};
use crate::wire::ToSend;

/// The frames that were encoded last.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    bytes: Vec<u8>,
    /// What they carry, which is kept so that another is not taken for it.
    payloads: Vec<Bytes>,
}

impl Encoded {
    /// Encodes messages, unless they are those of the last time. If there is anything else among
    /// them, there is nothing.
    pub(crate) fn encode(&mut self, to_send: &VecDeque<ToSend>) -> Option<&[u8]> {
        if !self.has(to_send) {
            self.payloads.clear();
            self.bytes.clear();
            for to_send in to_send {
                let ToSend::Message(Message::Text(text)) = to_send else {
                    self.payloads.clear();
                    return None;
                };
                self.payloads.push(text.clone().into());
                put(frame(Message::Text(text.clone())), &mut self.bytes);
            }
        }
        Some(&self.bytes)
    }

    /// The same memory has the same text.
    fn has(&self, to_send: &VecDeque<ToSend>) -> bool {
        let is_it = |(to_send, payload): (&ToSend, &Bytes)| match to_send {
            ToSend::Message(Message::Text(text)) => {
                text.as_str().as_ptr() == payload.as_ptr() && text.len() == payload.len()
            }
            _ => false,
        };
        to_send.len() == self.payloads.len() && to_send.iter().zip(&self.payloads).all(is_it)
    }
}
