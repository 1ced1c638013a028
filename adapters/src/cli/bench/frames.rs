//! WebSocket frames as a client writes and reads them (RFC 6455, 5), on buffers.
//!
//! Lighter than tungstenite's connection: a frame that came whole is read where it lies, and an idle
//! connection has no buffer.

use std::io::Cursor;

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// Larger messages are taken for nonsense.
const MAX_MESSAGE: usize = 64 << 20;

/// Appends a frame whose payload `write` appends.
pub(super) fn write(
    opcode: OpCode,
    size: usize,
    mask: [u8; 4],
    out: &mut Vec<u8>,
    payload: impl FnOnce(&mut Vec<u8>),
) {
    let header = FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() };
    header.format(size as u64, out).expect("writing to memory does not fail");
    let start = out.len();
    payload(out);
    debug_assert_eq!(out.len() - start, size, "the size is the payload's");
    let mut chunks = out[start..].chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, mask) in chunk.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

/// What the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Text(&'a [u8]),
    Binary,
    Ping(&'a [u8]),
    /// With 1005 where there is no code (RFC 6455, 7.4.1).
    Close(u16),
}

/// What is kept of a connection's bytes until the rest comes.
#[derive(Debug, Default)]
pub(super) struct Reader {
    incomplete: Vec<u8>,
    fragments: Option<Box<Fragments>>,
}

#[derive(Debug)]
struct Fragments {
    is_text: bool,
    payload: Vec<u8>,
}

impl Reader {
    /// Takes what was read.
    ///
    /// # Errors
    /// What the server did wrong.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        mut hear: impl FnMut(Said<'_>),
    ) -> Result<(), &'static str> {
        if self.incomplete.is_empty() {
            let used = self.frames(bytes, &mut hear)?;
            self.incomplete.extend_from_slice(&bytes[used..]);
        } else {
            let mut all = std::mem::take(&mut self.incomplete);
            all.extend_from_slice(bytes);
            let used = self.frames(&all, &mut hear)?;
            if used < all.len() {
                all.drain(..used);
                self.incomplete = all;
            }
        }
        Ok(())
    }

    /// Returns how many bytes were whole frames.
    fn frames(
        &mut self,
        bytes: &[u8],
        hear: &mut impl FnMut(Said<'_>),
    ) -> Result<usize, &'static str> {
        let mut used = 0;
        loop {
            let mut rest = Cursor::new(&bytes[used..]);
            let header = FrameHeader::parse(&mut rest).map_err(|_| "sent a frame that is none")?;
            let Some((header, size)) = header else { return Ok(used) };
            if header.rsv1 || header.rsv2 || header.rsv3 || header.mask.is_some() {
                return Err("sent a frame that is masked or compressed");
            }
            let size = usize::try_from(size).ok().filter(|size| *size <= MAX_MESSAGE);
            let size = size.ok_or("sent a message of more than 64 MiB")?;
            let start = used + rest.position() as usize;
            let Some(payload) = bytes.get(start..start + size) else { return Ok(used) };
            used = start + size;
            self.frame(&header, payload, hear)?;
        }
    }

    fn frame(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        hear: &mut impl FnMut(Said<'_>),
    ) -> Result<(), &'static str> {
        match (header.opcode, header.is_final) {
            (OpCode::Data(Data::Text), true) => hear(Said::Text(payload)),
            (OpCode::Data(Data::Binary), true) => hear(Said::Binary),
            (OpCode::Data(kind @ (Data::Text | Data::Binary)), false) => {
                let is_text = kind == Data::Text;
                self.fragments = Some(Box::new(Fragments { is_text, payload: payload.to_vec() }));
            }
            (OpCode::Data(Data::Continue), is_final) => {
                let fragments = self.fragments.as_mut().ok_or("continued what was not begun")?;
                fragments.payload.extend_from_slice(payload);
                if fragments.payload.len() > MAX_MESSAGE {
                    return Err("sent a message of more than 64 MiB");
                }
                if is_final && let Some(whole) = self.fragments.take() {
                    hear(if whole.is_text { Said::Text(&whole.payload) } else { Said::Binary });
                }
            }
            (OpCode::Control(Control::Ping), true) => hear(Said::Ping(payload)),
            (OpCode::Control(Control::Pong), true) => {}
            (OpCode::Control(Control::Close), true) => {
                let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                hear(Said::Close(code));
            }
            _ => return Err("sent a frame that is none"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: OpCode, payload: &[u8], is_final: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let header = FrameHeader { is_final, opcode, ..FrameHeader::default() };
        header.format(payload.len() as u64, &mut bytes).expect("writing to memory");
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn however_the_bytes_are_cut() {
        let long = vec![b'l'; 70_000];
        let stream = [
            frame(OpCode::Data(Data::Text), b"one", true),
            frame(OpCode::Data(Data::Text), b"t", false),
            frame(OpCode::Control(Control::Ping), b"p", true),
            frame(OpCode::Data(Data::Continue), b"w", false),
            frame(OpCode::Data(Data::Continue), b"o", true),
            frame(OpCode::Data(Data::Binary), b"bin", true),
            frame(OpCode::Control(Control::Pong), b"", true),
            frame(OpCode::Data(Data::Text), &long, true),
            frame(OpCode::Control(Control::Close), &[0x0f, 0xa1, b'x'], true),
        ]
        .concat();
        for size in [1, 2, 3, 7, 1000, stream.len()] {
            let mut heard = Vec::new();
            let mut reader = Reader::default();
            for bytes in stream.chunks(size) {
                let read = reader.read(bytes, |said| {
                    heard.push(match said {
                        Said::Text(text) => format!("{} {}", text.len(), text[0] as char),
                        other => format!("{other:?}"),
                    });
                });
                assert_eq!(read, Ok(()));
            }
            assert!(reader.incomplete.is_empty());
            let expected = ["3 o", "Ping([112])", "3 t", "Binary", "70000 l", "Close(4001)"];
            // "two" is whole after the ping.
            assert_eq!(heard, expected);
        }
    }

    #[test]
    fn what_is_no_frame() {
        let mut masked = Vec::new();
        write(OpCode::Data(Data::Text), 1, [1; 4], &mut masked, |out| out.push(b'x'));
        for bytes in [&masked[..], &[0xc1, 0], &[0x83, 0], &[0x80, 0], &[0x09, 0]] {
            assert!(Reader::default().read(bytes, |_| ()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_written_is_masked() {
        let mut bytes = Vec::new();
        write(OpCode::Data(Data::Text), 5, [1, 2, 4, 8], &mut bytes, |out| {
            out.extend_from_slice(b"hello");
        });
        let masked = [b'h' ^ 1, b'e' ^ 2, b'l' ^ 4, b'l' ^ 8, b'o' ^ 1];
        assert_eq!(bytes, [&[0x81, 0x85, 1, 2, 4, 8][..], &masked].concat());
    }
}
