//! A recording of the hub, on disk.
//!
//! What the hub is fed goes from the exchange to a thread that writes it. The hub never waits for the
//! disk: a recording that it cannot keep up with ends, and says so. One that has come to its limit goes
//! on in a new file, from the hub's state, and the file before is kept.

mod rotation;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use switchboard_core::{Hub, Instant};
use switchboard_trace::{Beginning, Bodies, Content, Tape};

pub use self::rotation::Rotation;
use crate::wire::Text;

/// Bytes that may wait for the disk.
const MAX_WAITING: u64 = if cfg!(test) { 4 << 20 } else { 256 << 20 };

/// How old something may get before it is written.
const SOON: Duration = Duration::from_secs(1);

impl Content for Text {
    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A recording that is being written. Clones write the same.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bodies: Bodies,
    path: PathBuf,
    rotation: Rotation,
    has_hub: AtomicBool,
    /// Bytes that were handed over and are not written yet.
    waiting: AtomicU64,
    has_ended: AtomicBool,
    pieces: Mutex<Option<Sender<Piece>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    ask: OnceLock<Box<dyn Ask>>,
}

/// What the writer is handed.
enum Piece {
    Bytes(Vec<u8>),
    /// What follows belongs into a new file, which begins with this.
    NewFile(Box<Beginning<Text>>),
}

/// What the writer may ask of the recorded hub.
pub(crate) trait Ask: std::fmt::Debug + Send + Sync {
    /// To hand over what it has not yet.
    fn flush(&self);

    /// The same, and to pass on its state, between what came before and what comes then.
    fn go_on(&self, started_at: u64, turn: &dyn Fn(Beginning<Text>));
}

impl Recorder {
    /// Begins a recording in a new file, which nobody else may read. One that is there is kept, see
    /// [`Rotation::keep`].
    ///
    /// # Errors
    /// There can be no such file, or no thread to write it.
    pub fn start(path: &Path, rotation: Rotation, bodies: Bodies) -> io::Result<Self> {
        let file = rotation::next(path, rotation.keep, |_| Ok(()))?;
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared {
            bodies,
            path: path.to_owned(),
            rotation,
            has_hub: AtomicBool::new(false),
            waiting: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
            pieces: Mutex::new(Some(sender)),
            writer: Mutex::default(),
            ask: OnceLock::new(),
        });
        let of_writer = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("recorder".into())
            .spawn(move || of_writer.write(file, &receiver))?;
        *lock(&shared.writer) = Some(writer);
        Ok(Self(shared))
    }

    /// Writes all that has come so far, and ends the recording.
    pub fn finish(&self) {
        self.0.flush();
        drop(lock(&self.0.pieces).take());
        let writer = lock(&self.0.writer).take();
        // It has said what was wrong.
        drop(writer.map(JoinHandle::join));
    }

    /// Records this hub, which nothing has happened to yet. There can be no more than one.
    pub(crate) fn tape(&self, hub: &Hub<Text>, start: Instant) -> Option<Tape> {
        let shared = Arc::clone(&self.0);
        if shared.has_hub.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "{} records one server; another is not recorded",
                self.0.path.display()
            );
            return None;
        }
        Some(Tape::new(hub, start, wall(), self.0.bodies, move |bytes| shared.take(bytes)))
    }

    /// Whom to ask: the first, whose hub is the one that is recorded.
    pub(crate) fn ask(&self, ask: impl Ask + 'static) {
        drop(self.0.ask.set(Box::new(ask)));
    }
}

impl Shared {
    /// Takes a part of the file, in the middle of everything.
    fn take(&self, bytes: Vec<u8>) {
        let size = bytes.len() as u64;
        if self.has_ended.load(Ordering::Relaxed) {
            return;
        }
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > MAX_WAITING {
            self.has_ended.store(true, Ordering::Relaxed);
            tracing::error!("the disk is too slow for {}, which ends there", self.path.display());
        } else {
            self.hand_over(Piece::Bytes(bytes));
        }
    }

    /// Has what follows go into a new file, unless the recording has ended.
    fn turn(&self, beginning: Beginning<Text>) {
        if !self.has_ended.load(Ordering::Relaxed) {
            self.hand_over(Piece::NewFile(Box::new(beginning)));
        }
    }

    fn hand_over(&self, piece: Piece) {
        if let Some(pieces) = &*lock(&self.pieces) {
            // A writer that has ended has said why.
            drop(pieces.send(piece));
        }
    }

    fn flush(&self) {
        if let Some(ask) = self.ask.get() {
            ask.flush();
        }
    }

    fn write(&self, file: File, pieces: &Receiver<Piece>) {
        if let Err(error) = self.try_write(file, pieces) {
            self.has_ended.store(true, Ordering::Relaxed);
            tracing::error!("cannot write {}, which ends there: {error}", self.path.display());
        }
    }

    fn try_write(&self, mut file: File, pieces: &Receiver<Piece>) -> io::Result<()> {
        // Bytes in the file, but for the state that it begins with.
        let mut size = 0;
        let mut is_turning = false;
        loop {
            match pieces.recv_timeout(SOON) {
                Ok(Piece::Bytes(bytes)) => {
                    file.write_all(&bytes)?;
                    let more = bytes.len() as u64;
                    self.waiting.fetch_sub(more, Ordering::Relaxed);
                    size += more;
                }
                Ok(Piece::NewFile(beginning)) => {
                    file.sync_all()?;
                    let keep = self.rotation.keep;
                    file = rotation::next(&self.path, keep, |file| begin(file, *beginning))?;
                    (size, is_turning) = (0, false);
                }
                Err(RecvTimeoutError::Timeout) => self.flush(),
                Err(RecvTimeoutError::Disconnected) => return file.sync_all(),
            }
            if size >= self.rotation.limit && !is_turning {
                is_turning = true;
                if let Some(ask) = self.ask.get() {
                    ask.go_on(wall(), &|beginning| self.turn(beginning));
                }
            }
        }
    }
}

fn begin(file: &mut File, beginning: Beginning<Text>) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    beginning.write(|bytes| file.write_all(bytes))?;
    file.into_inner()?.sync_all()
}

/// The time on the wall, in microseconds since 1970 (UTC).
fn wall() -> u64 {
    let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(wall.as_micros()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
