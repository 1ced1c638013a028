//! tungstenite's codec, as long as there is something for it to remember.
//!
//! It takes some hundreds of bytes. Most connections are idle most of the time, and a codec between
//! two messages is like a new one: so it is made when a message comes in, and dropped when all that
//! has come is read. To know that nothing is left in it, it is fed frame by frame.

use std::{collections::VecDeque, io::Cursor};

use tungstenite::{
    Error, Message,
    protocol::{
        Role, WebSocketConfig, WebSocketContext,
        frame::{
            FrameHeader,
            coding::{Data, OpCode},
        },
    },
};

use super::pipe::Pipe;

/// The codec of one connection.
#[derive(Debug, Default)]
pub(super) struct Codec {
    context: Option<Box<WebSocketContext>>,
    /// Bytes of the frame that is being fed which are yet to come.
    left: u64,
    /// A message is coming in of which some frames have been fed.
    is_fragmented: bool,
    /// It is closing, or what comes are no frames: it is needed until the end.
    is_kept: bool,
}

impl Codec {
    /// The next message, if it has come in whole.
    pub(super) fn read(
        &mut self,
        config: WebSocketConfig,
        incoming: &mut VecDeque<u8>,
        outgoing: &mut VecDeque<u8>,
        room: usize,
    ) -> Option<Result<Message, Error>> {
        loop {
            let fed = self.next_feed(incoming);
            if fed == 0 && self.context.is_none() {
                return None;
            }
            let context = self
                .context
                .get_or_insert_with(|| Box::new(WebSocketContext::new(Role::Server, Some(config))));
            let before = incoming.len();
            let read = context.read(&mut Pipe::new(incoming, outgoing, room).feeding(fed));
            self.left = self.left.saturating_sub((before - incoming.len()) as u64);
            match read {
                Err(Error::Io(_)) if incoming.len() < before => {}
                Err(Error::Io(_)) => break,
                read => {
                    self.is_kept |= read.as_ref().map_or(true, Message::is_close);
                    return Some(read);
                }
            }
        }
        self.answer_pings(incoming, outgoing, room);
        None
    }

    /// Writes the pongs that wait in it, as far as there is room. Afterwards it may be of no use.
    pub(super) fn answer_pings(
        &mut self,
        incoming: &mut VecDeque<u8>,
        outgoing: &mut VecDeque<u8>,
        room: usize,
    ) {
        let Some(context) = &mut self.context else { return };
        if self.is_kept {
            return;
        }
        let mut pipe = Pipe::new(incoming, outgoing, room);
        // There are some in its buffer, and there may be one that found no place there.
        let has_written_all = (0..2).all(|_| context.flush(&mut pipe).is_ok());
        if has_written_all && self.left == 0 && !self.is_fragmented {
            self.context = None;
        }
    }

    /// How many bytes it is given next: no more than what is left of a frame.
    fn next_feed(&mut self, incoming: &mut VecDeque<u8>) -> usize {
        if self.left == 0 && !self.is_kept && !incoming.is_empty() {
            let mut cursor = Cursor::new(&*incoming.make_contiguous());
            match FrameHeader::parse(&mut cursor) {
                Ok(Some((header, length))) => {
                    self.left = cursor.position().saturating_add(length);
                    match header.opcode {
                        OpCode::Data(Data::Continue) => self.is_fragmented &= !header.is_final,
                        OpCode::Data(_) => self.is_fragmented = !header.is_final,
                        OpCode::Control(_) => {}
                    }
                }
                Ok(None) => {}
                // It says itself what is wrong.
                Err(_) => self.is_kept = true,
            }
        }
        if self.is_kept {
            return incoming.len();
        }
        usize::try_from(self.left).map_or(incoming.len(), |left| left.min(incoming.len()))
    }

    /// Whether anything may be sent: not after the peer's close frame, but for the answer to it (RFC
    /// 6455, 5.5.1).
    pub(super) fn can_write(&self) -> bool {
        self.context.as_ref().is_none_or(|context| context.can_write())
    }

    /// Writes the answer to the peer's close frame.
    pub(super) fn answer_close(
        &mut self,
        incoming: &mut VecDeque<u8>,
        outgoing: &mut VecDeque<u8>,
    ) {
        if let Some(context) = &mut self.context {
            // It must not wait for room, as pongs do.
            context.set_config(|config| config.max_write_buffer_size = usize::MAX);
            // That the connection is closed with this is an error to tungstenite.
            drop(context.flush(&mut Pipe::new(incoming, outgoing, usize::MAX)));
        }
    }

    /// Whether it is in the middle of something.
    pub(super) fn remembers(&self) -> bool {
        self.context.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::wire;

    /// Frames of a client, some of them broken, and where what it sends is cut in pieces.
    fn sent() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<usize>)> {
        let whole = (0..16_u8, any::<bool>(), 0..40_usize);
        let frame = whole.prop_map(|(opcode, is_final, size)| {
            // The usual ones are the most common.
            let opcode = [1, 1, 0, 1, 9, 10, 1, 0, 8, 2, 1, 9, 0, 1, 3, 1][usize::from(opcode)];
            frame(opcode, is_final, size)
        });
        let frame = prop_oneof![20 => frame, 1 => vec(any::<u8>(), 0..20)];
        (vec(frame, 0..12), vec(1..60_usize, 1..20))
    }

    fn frame(opcode: u8, is_final: bool, size: usize) -> Vec<u8> {
        let length = u8::try_from(size).expect("a small frame");
        let mut frame = vec![u8::from(is_final) << 7 | opcode, 0x80 | length, 0, 0, 0, 0];
        frame.extend(std::iter::repeat_n(b'x', size));
        frame
    }

    fn told(read: &Result<Message, Error>) -> String {
        match read {
            Ok(message) => format!("{message:?}"),
            Err(error) => format!("{error:?}"),
        }
    }

    proptest! {
        /// Dropping it in between makes no difference.
        #[test]
        fn it_reads_as_one_that_stays((frames, cuts) in sent(), room in prop_oneof![Just(0), Just(20), Just(1000)]) {
            let config = wire::config(64);
            let mut codec = Codec::default();
            let mut context = WebSocketContext::new(Role::Server, Some(config));
            let (mut incoming, mut outgoing) = (VecDeque::new(), VecDeque::new());
            let (mut other_in, mut other_out) = (VecDeque::new(), VecDeque::new());
            let bytes = frames.concat();
            let mut rest = &bytes[..];
            for cut in cuts.into_iter().cycle() {
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                if piece.is_empty() {
                    break;
                }
                rest = behind;
                incoming.extend(piece);
                other_in.extend(piece);
                loop {
                    let read = codec.read(config, &mut incoming, &mut outgoing, room);
                    let mut pipe = Pipe::new(&mut other_in, &mut other_out, room);
                    let other = match context.read(&mut pipe) {
                        Err(Error::Io(_)) => None,
                        read => Some(read),
                    };
                    if read.is_none() {
                        // It answers pings as soon as there is room.
                        let mut pipe = Pipe::new(&mut other_in, &mut other_out, room);
                        let _all = (0..2).all(|_| context.flush(&mut pipe).is_ok());
                    }
                    prop_assert_eq!(read.as_ref().map(told), other.as_ref().map(told));
                    prop_assert_eq!(codec.can_write(), context.can_write());
                    match read {
                        None => break,
                        Some(Ok(message)) if !message.is_close() => {}
                        // What follows is of no matter.
                        Some(_) => return Ok(()),
                    }
                }
                prop_assert_eq!(&outgoing, &other_out);
                if room == 20 {
                    outgoing.clear();
                    other_out.clear();
                }
            }
        }
    }

    #[test]
    fn it_is_there_only_while_it_is_needed() {
        let config = wire::config(64);
        let mut codec = Codec::default();
        let (mut incoming, mut outgoing) = (VecDeque::new(), VecDeque::new());
        let mut after = |bytes: &[u8], room: usize| {
            incoming.extend(bytes);
            while codec.read(config, &mut incoming, &mut outgoing, room).is_some() {}
            !codec.remembers()
        };
        assert!(after(b"", 1000));
        assert!(after(&frame(1, true, 10), 1000));
        let (head, tail) = (&frame(1, true, 10)[..3], &frame(1, true, 10)[3..]);
        assert!(after(head, 1000));
        assert!(after(tail, 1000));
        assert!(!after(&frame(1, true, 10)[..8], 1000));
        assert!(after(&frame(1, true, 10)[8..], 1000));
        assert!(!after(&frame(1, false, 10), 1000));
        assert!(!after(&frame(9, true, 3), 1000));
        assert!(after(&frame(0, true, 10), 1000));
        // A pong that must wait.
        assert!(!after(&frame(9, true, 3), 0));
        assert!(after(b"", 1000));
        assert_eq!(outgoing.iter().filter(|byte| **byte == 0x8A).count(), 2);
    }
}
