//! TLS between a peer's bytes and the socket's.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
};

use rustls::{Error, ServerConnection};

use crate::tls::Tls;

/// A connection's TLS.
#[derive(Debug)]
pub(super) struct Sealed {
    connection: Box<ServerConnection>,
    /// To be written to the socket.
    pub(super) outgoing: VecDeque<u8>,
    /// The client has said that nothing follows.
    pub(super) has_ended: bool,
}

impl Sealed {
    pub(super) fn new(tls: &Tls) -> Result<Self, Error> {
        let connection = Box::new(ServerConnection::new(tls.current())?);
        Ok(Self { connection, outgoing: VecDeque::new(), has_ended: false })
    }

    /// Opens what came from the socket.
    ///
    /// # Errors
    /// What came is not TLS, or not as it should be. The alert that says so is to be written.
    pub(super) fn open(
        &mut self,
        mut bytes: &[u8],
        opened: &mut VecDeque<u8>,
    ) -> Result<(), Error> {
        // What follows a close_notify does not count (RFC 8446, 6.1).
        while !bytes.is_empty() && !self.has_ended {
            // It fails if the client has begun a message of the handshake for which there is no room.
            let read = self.connection.read_tls(&mut bytes);
            read.map_err(|error| Error::General(error.to_string()))?;
            let processed = self.connection.process_new_packets();
            self.write();
            let processed = processed?;
            self.has_ended = processed.peer_has_closed();
            let size = processed.plaintext_bytes_to_read();
            if size > 0 {
                let mut plain = vec![0; size];
                let read = self.connection.reader().read(&mut plain).unwrap_or_default();
                opened.extend(&plain[..read]);
            }
        }
        Ok(())
    }

    /// Seals what is to be written.
    pub(super) fn seal(&mut self, plain: &mut VecDeque<u8>) {
        loop {
            let (next, _) = plain.as_slices();
            if next.is_empty() {
                return;
            }
            match self.connection.writer().write(next) {
                Ok(0) => return,
                Ok(size) => drop(plain.drain(..size)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
            self.write();
        }
    }

    /// Says that nothing follows.
    pub(super) fn close(&mut self) {
        self.connection.send_close_notify();
        self.write();
    }

    fn write(&mut self) {
        while self.connection.wants_write() {
            // Writing to memory does not fail.
            if self.connection.write_tls(&mut self.outgoing).is_err() {
                return;
            }
        }
    }
}
