//! A recording that is read piece by piece: there may be more of it than memory.

use std::{fmt, io::Read};

use switchboard_trace::{Blocks, Observer, Replay, Trace, TraceError};

/// How much is read at once. More is only where a block, or the state at the beginning, is larger.
const PIECE: usize = 1 << 20;

/// Bytes of the file, from one of them on.
pub(super) struct Pieces<R> {
    file: R,
    piece: usize,
    bytes: Vec<u8>,
    /// Where they begin in the file.
    at: usize,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(file: R) -> Self {
        Self { file, piece: PIECE, bytes: Vec::new(), at: 0 }
    }

    /// Replays it as far as it goes. Returns what it stopped at, too.
    pub(super) fn play(
        &mut self,
        observer: &mut impl Observer,
    ) -> Result<(Replay, Option<String>), String> {
        let (mut replay, mut at) = self.begin()?;
        loop {
            let mut stopped = None;
            for block in Blocks::new(self.from(at), at) {
                let played = match block {
                    Err(error @ TraceError::Torn { .. }) => {
                        stopped = Some(error);
                        break;
                    }
                    Err(error) => Err(text(error)),
                    Ok(block) => {
                        at = block.end();
                        replay.play(block, observer).map_err(text)
                    }
                };
                if let Err(error) = played {
                    return Ok((replay, Some(error)));
                }
            }
            match self.more(at) {
                Ok(true) => {}
                Ok(false) => return Ok((replay, stopped.map(text))),
                Err(error) => return Ok((replay, Some(error))),
            }
        }
    }

    /// The replay, and where its first block is.
    fn begin(&mut self) -> Result<(Replay, usize), String> {
        loop {
            let is_more = self.more(0)?;
            match Trace::new(&self.bytes).and_then(Trace::replay) {
                Err(TraceError::Torn { .. }) if is_more => {}
                begun => return begun.map(|(replay, blocks)| (replay, blocks.at())).map_err(text),
            }
        }
    }

    /// Forgets what is before byte `at` of the file, and reads a piece more, and at least as much as is
    /// left. Returns whether there was anything.
    fn more(&mut self, at: usize) -> Result<bool, String> {
        self.bytes.drain(..at - self.at);
        self.at = at;
        let room = self.piece.max(self.bytes.len()) as u64;
        let read = self.file.by_ref().take(room).read_to_end(&mut self.bytes);
        read.map(|read| read > 0).map_err(text)
    }

    fn from(&self, at: usize) -> &[u8] {
        &self.bytes[at - self.at..]
    }
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
    };

    use switchboard_core::{Config, Hub, Input, Instant, Name, Request};
    use switchboard_trace::{Bodies, Recorded, Tape};

    use super::*;

    struct Day {
        hub: Recorded<Arc<str>>,
        file: Arc<Mutex<Vec<u8>>>,
    }

    impl Day {
        fn new() -> Self {
            let now = Instant::ZERO;
            let file = Arc::new(Mutex::new(Vec::new()));
            let writes = Arc::clone(&file);
            let hub: Hub<Arc<str>> = Hub::new(Config::default(), 0, now);
            let sink = move |bytes: Vec<u8>| writes.lock().expect("no panic").extend(bytes);
            let tape = Tape::new(&hub, now, 0, Bodies::Whole, sink);
            Self { hub: Recorded::new(hub, Some(tape)), file }
        }

        /// Makes a block.
        fn log_in(&mut self, uid: &str) {
            let now = Instant::ZERO;
            let conn = self.hub.connect(now, None).expect("there is room");
            let request = Request::Login(Name::new(uid).expect("a name"));
            self.hub.handle(now, Input::Request { conn, request, size: 5 });
            while self.hub.poll_frame(conn).is_some() {}
            self.hub.flush();
        }

        fn file(&self) -> Vec<u8> {
            std::mem::take(&mut *self.file.lock().expect("no panic"))
        }
    }

    /// The second begins with a hub's state.
    fn files() -> [Vec<u8>; 2] {
        let mut day = Day::new();
        day.log_in("alice");
        let first = day.file();
        let beginning = day.hub.go_on(0).expect("there is a tape");
        let mut second = Vec::new();
        let Ok(()) = beginning.write(|bytes| {
            second.extend_from_slice(bytes);
            Ok::<_, Infallible>(())
        });
        day.log_in("bob");
        second.extend(day.file());
        [first, second]
    }

    fn play(file: &[u8], piece: usize) -> Result<(String, Option<String>), String> {
        let mut pieces = Pieces { piece, ..Pieces::new(file) };
        pieces.play(&mut ()).map(|(replay, stopped)| (replay.to_string(), stopped))
    }

    #[test]
    fn pieces_say_the_same_as_the_whole() {
        for file in files() {
            for end in 0..=file.len() {
                let file = &file[..end];
                let whole = play(file, PIECE);
                for piece in [10, 17, 64] {
                    assert_eq!(play(file, piece), whole, "{end} bytes in pieces of {piece}");
                }
            }
            let mut damaged = file;
            let last = damaged.len() - 1;
            damaged[last] ^= 1;
            let (_, stopped) = play(&damaged, 10).expect("it begins");
            assert_eq!(stopped, play(&damaged, PIECE).expect("it begins").1);
            assert!(stopped.is_some_and(|stopped| stopped.contains("is damaged")));
        }
    }

    #[test]
    fn a_long_recording_takes_no_more_memory_than_a_short_one() {
        let mut day = Day::new();
        (0..500).for_each(|number| day.log_in(&format!("user{number}")));
        let file = day.file();
        let mut pieces = Pieces { piece: 500, ..Pieces::new(&file[..]) };
        let (replay, stopped) = pieces.play(&mut ()).expect("it begins");
        assert_eq!((replay.inputs(), stopped), (1000, None));
        assert!(pieces.bytes.capacity() < 2000 && file.len() > 20_000);
    }
}
