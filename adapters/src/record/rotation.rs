//! The files of a recording: the one that is being written, and those before it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// How much of a recording is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes after which it goes on in a new file, beside the hub's state which that begins with.
    pub limit: u64,
    /// How many files are kept that were there before, at least one: the newest has `.1` behind its
    /// name, the oldest this number.
    pub keep: u32,
}

/// Puts a new file, which nobody else may read and which `begin` writes the beginning of, in the place
/// of the one at `path`, which is kept. If this fails, that one is still in its place.
pub(super) fn next(
    path: &Path,
    keep: u32,
    begin: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<File> {
    let is_there = match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(io::Error::other("something is there that is not a file"));
        }
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let unfinished = with_ending(path, "new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    begin(&mut file)?;
    if is_there {
        make_room(path, keep)?;
    }
    fs::rename(&unfinished, path)?;
    Ok(file)
}

/// Moves each file that is kept a place on. The last one goes, unless there is a free place before it.
fn make_room(path: &Path, keep: u32) -> io::Result<()> {
    let place = |number: u32| match number {
        0 => path.to_owned(),
        number => with_ending(path, &number.to_string()),
    };
    let free = (1..keep).find(|number| !place(*number).exists()).unwrap_or(keep.max(1));
    (0..free).rev().try_for_each(|number| fs::rename(place(number), place(number + 1)))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The next file, with this in it.
    fn put(path: &Path, what: &str) -> io::Result<File> {
        next(path, 2, |file| file.write_all(what.as_bytes()))
    }

    fn read(path: &Path, ending: &str) -> Option<String> {
        fs::read_to_string(with_ending(path, ending)).ok()
    }

    #[test]
    fn as_many_are_kept_as_is_said_and_the_oldest_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("day");
        for what in ["a", "b", "c", "d"] {
            put(&path, what).expect("it is written");
        }
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "d");
        assert_eq!(read(&path, "1").as_deref(), Some("c"));
        assert_eq!(read(&path, "2").as_deref(), Some("b"));
        assert_eq!(read(&path, "3"), None);
        assert_eq!(read(&path, "new"), None);
    }

    #[test]
    fn a_free_place_is_used_before_anything_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("day");
        fs::write(with_ending(&path, "2"), "old").expect("it is written");
        put(&path, "a").expect("it is written");
        put(&path, "b").expect("it is written");
        assert_eq!(read(&path, "1").as_deref(), Some("a"));
        assert_eq!(read(&path, "2").as_deref(), Some("old"));
    }

    #[test]
    fn a_beginning_that_cannot_be_written_leaves_all_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("day");
        put(&path, "a").expect("it is written");
        next(&path, 2, |_| Err(io::Error::other("the disk is full"))).expect_err("it is full");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "a");
        assert_eq!(read(&path, "1"), None);
        put(&path, "b").expect("what is left of it is in nobody's way");
    }

    #[test]
    fn what_is_no_file_stays_where_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("day");
        fs::create_dir(&path).expect("it is made");
        let error = put(&path, "a").expect_err("it is a folder");
        assert_eq!(error.to_string(), "something is there that is not a file");
        assert!(path.is_dir());
    }
}
