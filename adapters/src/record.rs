//! A recording of the hub, on disk.
//!
//! What the hub is fed goes from the exchange to a thread that writes it. The hub never waits for the
//! disk: a recording that it cannot keep up with ends, and says so. One that has come to its limit goes
//! on in a new file, from the hub's state, and the file before is kept.

use std::{
    fs::File,
    io::{self, Write},
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
use switchboard_trace::{Bodies, Content, Tape};

use crate::wire::Text;

/// Bytes that may wait for the disk.
const MAX_WAITING: u64 = 256 << 20;

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
    limit: u64,
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
    /// What follows belongs into a new file.
    NewFile,
}

/// What the writer may ask of the recorded hub.
pub(crate) trait Ask: std::fmt::Debug + Send + Sync {
    /// To hand over what it has not yet.
    fn flush(&self);

    /// The same, then to call `turn`, and to begin anew with its state.
    fn go_on(&self, started_at: u64, turn: &dyn Fn());
}

impl Recorder {
    /// Begins a recording in a new file, which nobody else may read. One that is there is kept, under a
    /// name with `.1` at the end, in the place of the one that had it. So is each that has come to
    /// `limit` bytes: the recording goes on in a new one.
    ///
    /// # Errors
    /// There can be no such file, or no thread to write it.
    pub fn start(path: &Path, limit: u64, bodies: Bodies) -> io::Result<Self> {
        let file = new_file(path)?;
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared {
            bodies,
            path: path.to_owned(),
            limit,
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

    /// Records this hub, which nothing has happened to yet.
    pub(crate) fn tape(&self, hub: &Hub<Text>, start: Instant) -> Tape {
        let shared = Arc::clone(&self.0);
        Tape::new(hub, start, wall(), self.0.bodies, move |bytes| shared.take(bytes))
    }

    /// Whom to ask.
    pub(crate) fn ask(&self, ask: impl Ask + 'static) {
        // There is one hub.
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

    fn write(&self, mut file: File, pieces: &Receiver<Piece>) {
        // Bytes in the file, but for those that it begins with, which are handed over in so many pieces.
        let (mut size, mut beginning) = (0, 1);
        let mut is_turning = false;
        loop {
            let bytes = match pieces.recv_timeout(SOON) {
                Ok(Piece::Bytes(bytes)) => bytes,
                Ok(Piece::NewFile) => {
                    match file.sync_all().and_then(|()| new_file(&self.path)) {
                        Ok(new) => (file, size, beginning, is_turning) = (new, 0, 2, false),
                        Err(error) => return self.fail(&error),
                    }
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.flush();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Err(error) = file.write_all(&bytes) {
                return self.fail(&error);
            }
            let more = bytes.len() as u64;
            self.waiting.fetch_sub(more, Ordering::Relaxed);
            if beginning > 0 {
                beginning -= 1;
            } else {
                size += more;
            }
            if size >= self.limit && !is_turning {
                is_turning = true;
                if let Some(ask) = self.ask.get() {
                    ask.go_on(wall(), &|| self.hand_over(Piece::NewFile));
                }
            }
        }
        if let Err(error) = file.sync_all() {
            self.fail(&error);
        }
    }

    fn fail(&self, error: &io::Error) {
        self.has_ended.store(true, Ordering::Relaxed);
        tracing::error!("cannot write {}, which ends there: {error}", self.path.display());
    }
}

/// A file that nobody else may read. One that is there is kept.
fn new_file(path: &Path) -> io::Result<File> {
    if path.exists() {
        std::fs::rename(path, older(path))?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The time on the wall, in microseconds since 1970 (UTC).
fn wall() -> u64 {
    let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(wall.as_micros()).unwrap_or(u64::MAX)
}

/// What a recording is called that is not the last.
fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
