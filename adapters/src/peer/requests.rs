//! The requests of a connection, one after the other.
//!
//! ```text
//!   Head --> Body --> Called --> Head ...
//!    |                  |
//!    |                  +--> Last
//!    +--> Last, or a WebSocket
//! ```

use std::{collections::VecDeque, mem, net::IpAddr};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version, header::EXPECT};

use super::{PeerConfig, websocket};
use crate::http::{
    Caller, HttpConfig, Wrong,
    body::{Body, Framing},
    head::{self, Care, Head},
    response::{self, Asked},
};

/// Bytes of responses that may wait to be written before no further request is read.
pub(super) const MAX_WAITING: usize = 16 << 10;

/// Where a connection is with its requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    stage: Stage,
    /// Whether one has been answered.
    has_served: bool,
}

#[derive(Debug, Default)]
enum Stage {
    /// The head of a request is to come.
    #[default]
    Head,
    /// The body of an admitted one is to come.
    Body(Box<Incoming>),
    /// One has been handed out, and the response is awaited.
    Called {
        asked: Asked,
        /// The hub has let go of the connection.
        is_closing: bool,
    },
    /// The last response is to be written.
    Last,
}

/// A request whose body is coming in.
#[derive(Debug)]
struct Incoming {
    head: Request<()>,
    body: Body,
}

/// What came of the bytes that came in.
pub(super) enum Step {
    /// Nothing, until there are more.
    Wait,
    /// Something has been done. There may be more to do.
    Again,
    /// A request is to be answered.
    Call(Request<Bytes>),
    /// A request to become a WebSocket.
    Upgrade(Request<()>),
    /// All is answered and written.
    End,
}

/// What follows when the hub lets go of the connection.
pub(super) enum Close {
    /// Nothing more is to be sent.
    Now,
    /// The client is told with a status.
    Tell,
    /// The response that is awaited is the last.
    AfterCall,
}

impl Requests {
    /// Whether nothing more is wanted from the client, while so many bytes wait to be written.
    pub(super) fn are_held(&self, waiting: usize) -> bool {
        match self.stage {
            Stage::Head => waiting > MAX_WAITING,
            Stage::Body(_) => false,
            Stage::Called { .. } => true,
            Stage::Last => waiting > 0,
        }
    }

    /// Takes a request, or a part of one, from the front of what came in.
    ///
    /// # Errors
    /// What it is answered with. After that, nothing can be made of what follows.
    pub(super) fn step(
        &mut self,
        config: &PeerConfig,
        address: Option<IpAddr>,
        incoming: &mut VecDeque<u8>,
        outgoing: &mut VecDeque<u8>,
    ) -> Result<Step, Wrong> {
        match &mut self.stage {
            Stage::Head => {
                let care = if config.http.is_some() { Care::Much } else { Care::Little };
                let read = head::read(incoming.make_contiguous(), care)?;
                let Some(Head { request, size }) = read else { return Ok(Step::Wait) };
                incoming.drain(..size);
                match &config.http {
                    None => Ok(Step::Upgrade(request)),
                    Some(http) => {
                        let caller = Caller::new(config, address, request.headers());
                        self.begin(http, caller, request, outgoing)
                    }
                }
            }
            Stage::Body(request) => {
                let Some(body) = request.body.read(incoming)? else { return Ok(Step::Wait) };
                let head = mem::take(&mut request.head);
                self.stage = Stage::Called { asked: Asked::by(&head), is_closing: false };
                Ok(Step::Call(head.map(|()| body)))
            }
            Stage::Called { .. } => Ok(Step::Wait),
            Stage::Last => Ok(Step::End),
        }
    }

    /// Decides by the head of a request what becomes of it.
    fn begin(
        &mut self,
        http: &HttpConfig,
        caller: Caller,
        mut head: Request<()>,
        outgoing: &mut VecDeque<u8>,
    ) -> Result<Step, Wrong> {
        let framing = Framing::of(&head)?;
        let has_body = framing != Framing::Length(0);
        if websocket::is_wanted(&head) {
            // Nobody would agree on whether it is the first of the frames.
            return match has_body {
                true => Err(Wrong::bad("a request for a WebSocket has no body")),
                false => Ok(Step::Upgrade(head)),
            };
        }
        head.extensions_mut().insert(caller);
        let asked = Asked::by(&head);
        // What is asked about the server as a whole is not for the service (RFC 9110, 9.3.7).
        let admitted = if head.method() == Method::OPTIONS && head.uri().path() == "*" {
            Err(Box::new(response::plain(StatusCode::NO_CONTENT)))
        } else {
            http.service.admit(&head, &caller)
        };
        match admitted {
            Ok(limit) => {
                let body = Body::new(framing, limit.min(http.max_body))?;
                if expects_to_be_told(&head)? && has_body {
                    // Even if some of it has come: so it does not depend on how much comes at once.
                    outgoing.extend(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                self.stage = Stage::Body(Box::new(Incoming { head, body }));
            }
            Err(response) => {
                // What is left unread is in the way of further requests.
                self.respond(asked.for_the_last_time_if(has_body), http, *response, outgoing);
            }
        }
        Ok(Step::Again)
    }

    /// Answers the request that was handed out. Returns whether the connection is to be closed with
    /// that, because the hub has let go of it.
    pub(super) fn answer(
        &mut self,
        http: &HttpConfig,
        response: Response<Bytes>,
        outgoing: &mut VecDeque<u8>,
    ) -> bool {
        let Stage::Called { asked, is_closing } = self.stage else { return false };
        self.respond(asked.for_the_last_time_if(is_closing), http, response, outgoing);
        is_closing
    }

    fn respond(
        &mut self,
        asked: Asked,
        http: &HttpConfig,
        mut response: Response<Bytes>,
        outgoing: &mut VecDeque<u8>,
    ) {
        let (status, size) = (response.status(), response::size(&response));
        if status.is_informational() || size > http.max_response {
            tracing::error!(%status, size, "a service's response cannot be given");
            response = response::plain(StatusCode::INTERNAL_SERVER_ERROR);
        }
        self.has_served = true;
        let goes_on = asked.answer(&response, outgoing);
        self.stage = if goes_on { Stage::Head } else { Stage::Last };
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        match &self.stage {
            Stage::Body(incoming) => incoming.body.buffered(),
            Stage::Head | Stage::Called { .. } | Stage::Last => 0,
        }
    }

    /// Takes word that the hub lets go of the connection, of which this has come in.
    pub(super) fn close(&mut self, incoming: &VecDeque<u8>) -> Close {
        match &mut self.stage {
            // Empty lines before a head do not count (RFC 9112, 2.2).
            Stage::Head
                if self.has_served && incoming.iter().all(|byte| b"\r\n".contains(byte)) =>
            {
                Close::Now
            }
            Stage::Last => Close::Now,
            Stage::Head | Stage::Body(_) => Close::Tell,
            Stage::Called { is_closing, .. } => {
                *is_closing = true;
                Close::AfterCall
            }
        }
    }
}

/// Whether the client waits for word that its body is wanted (RFC 9110, 10.1.1).
///
/// # Errors
/// It waits for something else.
fn expects_to_be_told(head: &Request<()>) -> Result<bool, Wrong> {
    match head.headers().get(EXPECT) {
        None => Ok(false),
        Some(_) if head.version() == Version::HTTP_10 => Ok(false),
        Some(expect) if expect.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(true),
        Some(_) => Err(Wrong::new(
            StatusCode::EXPECTATION_FAILED,
            "the only Expect that is known here is 100-continue",
        )),
    }
}
