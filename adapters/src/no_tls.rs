//! TLS where it is left out (feature `tls`): the names, of which there are no values.

use std::convert::Infallible;

/// A certificate and its key, of which there are none.
#[derive(Clone, Debug)]
pub enum Tls {}

/// What can be wrong with what a client says in TLS: nothing, as none is spoken.
pub type HandshakeError = Infallible;
