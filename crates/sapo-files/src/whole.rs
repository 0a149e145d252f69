//! Files that appear whole or not at all: each is written beside its place and renamed.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// How the names of files begin that are being written, or were when their process was killed.
pub const HALF_WRITTEN: &str = ".writing-";

/// Replaces the file at `path` by `bytes` at one instant, and makes its name survive a loss of power. Missing folders are
/// made.
///
/// # Errors
/// Those of the file system; the old file is still there unless the folder alone could not be synced.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    write_with(path, |beside| fs::write(beside, bytes))?;
    sync_folder(folder)
}

/// Replaces the file at `path` at one instant by what `fill` writes to the path that it is given: an empty file beside it,
/// which is then synced and renamed. The folder must be there; the new name survives a loss of power once the folder is
/// synced ([`sync_folder`]).
///
/// # Errors
/// Those of `fill` and of the file system; the old file is then still there.
pub fn write_with<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    put(path, |beside| {
        fill(beside)?;
        // opened again: `fill` may have put another file there
        Ok(File::open(beside)?.sync_all()?)
    })
}

/// Replaces the file at `path` by `bytes` at one instant for every reader, but leaves it to the system when it reaches the
/// disk: for what is written often and soon outdated. The folder must be there.
///
/// # Errors
/// Those of the file system; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, |beside| fs::write(beside, bytes))
}

fn put<E: From<io::Error>>(path: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    // made by `File`, not by tempfile: with the permissions of any new file, and errors without the passing name
    let empty = tempfile::Builder::new()
        .prefix(HALF_WRITTEN)
        .make_in(folder_of(path), |path| File::create_new(path))?;
    let beside = empty.into_temp_path(); // removed unless it gets to its place
    fill(&beside)?;
    Ok(beside.persist(path).map_err(|error| error.error)?)
}

/// Makes the names in a folder survive a loss of power; syncing the files alone does not.
///
/// # Errors
/// Those of the file system.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder that a file is in or will be: the current one for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn writing_again_replaces_and_leaves_nothing_beside() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("tables/matrix.csv");
        write(&path, b"old and longer").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        replace(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(entries(&root.path().join("tables")), 1);
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"new").is_err());
        assert!(path.is_dir());
        fs::write(path.join("x"), b"").unwrap(); // nor is a full folder replaced by a file
        assert!(replace(&path, b"new").is_err());
        assert_eq!(entries(root.path()), 1);
        let absent = root.path().join("absent/f");
        assert!(write_with(&absent, |beside| fs::write(beside, b"x")).is_err());
        assert!(!root.path().join("absent").exists());
    }

    #[test]
    fn what_is_not_written_to_its_end_does_not_appear() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("weights");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |beside| {
            fs::write(beside, b"ha")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(entries(root.path()), 1);
    }

    #[test]
    fn it_is_for_whom_any_new_file_is() {
        let root = tempfile::tempdir().unwrap();
        let (any, whole) = (root.path().join("any"), root.path().join("whole"));
        fs::write(&any, b"").unwrap();
        write(&whole, b"").unwrap();
        let permissions = |path: &Path| fs::metadata(path).unwrap().permissions();
        assert_eq!(permissions(&whole), permissions(&any));
    }
}
