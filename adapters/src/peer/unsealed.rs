//! What takes the place of TLS where it is left out (feature `tls`). There is never one of these.

use std::{collections::VecDeque, convert::Infallible};

use crate::tls::Tls;

/// A connection's TLS.
#[derive(Debug)]
pub(super) struct Sealed {
    never: Infallible,
    pub(super) outgoing: VecDeque<u8>,
    pub(super) has_ended: bool,
}

impl Sealed {
    pub(super) fn new(tls: &Tls) -> Result<Self, Infallible> {
        match *tls {}
    }

    pub(super) fn open(&mut self, _: &[u8], _: &mut VecDeque<u8>) -> Result<(), Infallible> {
        match self.never {}
    }

    pub(super) fn seal(&mut self, _: &mut VecDeque<u8>) {
        match self.never {}
    }

    pub(super) fn close(&mut self) {
        match self.never {}
    }
}
