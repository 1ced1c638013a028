//! The hub in a web page: a user in each pane, and no server.
//!
//! `tests/portable browser` builds it, and says how to look at it. `abi` is what `app.js` calls.
//! The module imports nothing: the page brings the time and a seed with it.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod abi;
#[cfg(target_family = "wasm")]
mod bare;

use alloc::{collections::VecDeque, string::String, sync::Arc, vec::Vec};
use core::time::Duration;

use switchboard_core::text::{self, Printed};
use switchboard_core::{Config, ConnId, Hub, Input, Instant, Output};

/// A hub, and who is connected to it. A pane is a number from 0 on.
pub struct Page {
    hub: Hub<Arc<str>>,
    panes: Vec<Option<ConnId>>,
    /// Connections for which there is something to pull.
    ready: VecDeque<ConnId>,
}

/// What a pane is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A text message.
    Text(usize, String),
    /// Its connection was closed, with this code and this reason.
    Closed(usize, u16, String),
}

impl Page {
    /// Nobody is connected. The seed should be unpredictable.
    pub fn new(seed: u64) -> Self {
        // A pane cannot answer pings: there is no peer that could vanish.
        let config = Config { heartbeat: None, ..Config::default() };
        let hub = Hub::new(config, seed, Instant::ZERO);
        Self { hub, panes: Vec::new(), ready: VecDeque::new() }
    }

    /// What somebody typed in a pane goes out as a message of a client, which is connected if it was
    /// not.
    pub fn say(&mut self, millis: f64, pane: usize, text: &str) {
        let now = instant(millis);
        if self.panes.len() <= pane {
            self.panes.resize(pane + 1, None);
        }
        if self.panes[pane].is_none() {
            self.panes[pane] = self.hub.connect(now, None).ok();
        }
        if let Some(conn) = self.panes[pane] {
            let request = text::parse(self.hub.stage(conn), text).map_payload(Arc::from);
            self.hub.handle(now, Input::Request { conn, request, size: text.len() });
        }
    }

    /// Whoever is connected in the pane goes.
    pub fn leave(&mut self, millis: f64, pane: usize) {
        if let Some(conn) = self.panes.get_mut(pane).and_then(Option::take) {
            self.hub.handle(instant(millis), Input::Disconnected { conn });
        }
    }

    /// In how many milliseconds to call [`poll`](Self::poll) at the latest, if at all.
    pub fn wait(&self, millis: f64) -> Option<f64> {
        let due = self.hub.poll_timeout()?;
        Some(due.at.saturating_since(instant(millis)).as_secs_f64() * 1e3)
    }

    /// What is to be shown next. Call it until there is nothing.
    pub fn poll(&mut self, millis: f64) -> Option<Told> {
        let now = instant(millis);
        if self.hub.poll_timeout().is_some_and(|due| due.at <= now) {
            self.hub.handle(now, Input::Timeout);
        }
        loop {
            while let Some(output) = self.hub.poll_output() {
                match output {
                    Output::Ready { conn } => self.ready.push_back(conn),
                    Output::Drop { conn } => self.forget(conn),
                    Output::Check { .. } | Output::Event(_) => {}
                }
            }
            let &conn = self.ready.front()?;
            let pane = self.panes.iter().position(|of| *of == Some(conn));
            let (Some(pane), Some(frame)) = (pane, self.hub.poll_frame(conn)) else {
                self.ready.pop_front();
                continue;
            };
            match text::print(frame) {
                Printed::Payload(text) => return Some(Told::Text(pane, String::from(&*text))),
                Printed::Line(line) => return Some(Told::Text(pane, line)),
                Printed::Ping => {}
                Printed::Close(reason) => {
                    self.leave(millis, pane);
                    let code = reason.code().unwrap_or(1005);
                    return Some(Told::Closed(pane, code, reason.text().into()));
                }
            }
        }
    }

    fn forget(&mut self, conn: ConnId) {
        for pane in &mut self.panes {
            if *pane == Some(conn) {
                *pane = None;
            }
        }
    }
}

/// The instant so many milliseconds after the page came up.
fn instant(millis: f64) -> Instant {
    Instant::ZERO + Duration::try_from_secs_f64(millis / 1e3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(page: &mut Page, millis: f64) -> Vec<Told> {
        core::iter::from_fn(|| page.poll(millis)).collect()
    }

    fn text(pane: usize, text: &str) -> Told {
        Told::Text(pane, text.into())
    }

    #[test]
    fn two_panes_talk() {
        let mut page = Page::new(7);
        page.say(0.0, 0, "alice");
        page.say(0.0, 1, "bob");
        page.say(1.0, 0, "bob:hello");
        let expected = [
            text(0, "login success, your uid is alice"),
            text(1, "login success, your uid is bob"),
            text(1, "hello"),
        ];
        assert_eq!(told(&mut page, 1.0), expected);
        page.leave(2.0, 1);
        page.say(2.0, 0, "bob:hello");
        assert_eq!(told(&mut page, 2.0), [text(0, "error: bob is not online")]);
    }

    #[test]
    fn who_does_not_log_in_in_time_is_closed_and_may_come_again() {
        let mut page = Page::new(7);
        page.say(500.0, 1, "all");
        assert_eq!(
            told(&mut page, 500.0),
            [text(1, "error: the uid all is reserved for everybody")]
        );
        assert_eq!(page.wait(500.0), Some(10_000.0));
        assert_eq!(told(&mut page, 10_499.0), []);
        let closed = told(&mut page, 10_500.0);
        assert!(matches!(closed[..], [Told::Closed(1, 1008, _)]), "{closed:?}");
        page.say(10_500.0, 1, "bob");
        assert_eq!(told(&mut page, 10_500.0), [text(1, "login success, your uid is bob")]);
    }
}
