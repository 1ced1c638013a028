//! A recording of the hub, on disk.
//!
//! What the hub is fed goes from the exchange to a thread that writes it. The hub never waits for the
//! disk: a recording that it cannot keep up with ends, and says so, and so does one that has come to
//! its limit.

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
const MAX_WAITING: u64 = 64 << 20;

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
    /// Bytes that were handed over, and of these those that wait.
    size: AtomicU64,
    waiting: AtomicU64,
    has_ended: AtomicBool,
    pieces: Mutex<Option<Sender<Vec<u8>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    flush: OnceLock<Flush>,
}

/// Has the hub hand over what it has not yet.
struct Flush(Box<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Flush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flush")
    }
}

impl Recorder {
    /// Begins a recording of at most `limit` bytes in a new file, which nobody else may read. One that is there is kept, under
    /// a name with `.1` at the end, in the place of the one that had it.
    ///
    /// # Errors
    /// There can be no such file, or no thread to write it.
    pub fn start(path: &Path, limit: u64, bodies: Bodies) -> io::Result<Self> {
        if path.exists() {
            std::fs::rename(path, older(path))?;
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared {
            bodies,
            path: path.to_owned(),
            limit,
            size: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
            pieces: Mutex::new(Some(sender)),
            writer: Mutex::default(),
            flush: OnceLock::new(),
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
        let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let started_at = u64::try_from(wall.as_micros()).unwrap_or(u64::MAX);
        let shared = Arc::clone(&self.0);
        Tape::new(hub, start, started_at, self.0.bodies, move |piece| shared.take(piece))
    }

    /// How to have the hub hand over what it has not yet.
    pub(crate) fn flush_by(&self, flush: impl Fn() + Send + Sync + 'static) {
        // There is one hub.
        drop(self.0.flush.set(Flush(Box::new(flush))));
    }
}

impl Shared {
    /// Takes a piece of the file, in the middle of everything.
    fn take(&self, piece: Vec<u8>) {
        let size = piece.len() as u64;
        if self.has_ended.load(Ordering::Relaxed) {
            return;
        }
        let path = self.path.display();
        if self.size.fetch_add(size, Ordering::Relaxed) + size > self.limit {
            self.has_ended.store(true, Ordering::Relaxed);
            tracing::warn!("{path} has come to its limit of {} bytes, and ends there", self.limit);
        } else if self.waiting.fetch_add(size, Ordering::Relaxed) + size > MAX_WAITING {
            self.has_ended.store(true, Ordering::Relaxed);
            tracing::error!("the disk is too slow for {path}, which ends there");
        } else if let Some(pieces) = &*lock(&self.pieces) {
            // A writer that has ended has said why.
            drop(pieces.send(piece));
        }
    }

    fn flush(&self) {
        if let Some(Flush(flush)) = self.flush.get() {
            flush();
        }
    }

    fn write(&self, mut file: File, pieces: &Receiver<Vec<u8>>) {
        loop {
            let piece = match pieces.recv_timeout(SOON) {
                Ok(piece) => piece,
                Err(RecvTimeoutError::Timeout) => {
                    self.flush();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Err(error) = file.write_all(&piece) {
                return self.fail(&error);
            }
            self.waiting.fetch_sub(piece.len() as u64, Ordering::Relaxed);
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

/// What a recording is called that is not the last.
fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
