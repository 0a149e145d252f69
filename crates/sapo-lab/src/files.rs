//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// Replaces the file at `path` by `bytes` at one instant: written beside it, synced, renamed. Missing folders are made.
///
/// # Errors
/// Those of the file system; the old file is then still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let beside = written_beside(folder, bytes)?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Replaces the file at `path` by `bytes` at one instant for every reader, but leaves it to the system when it reaches the
/// disk: for what is written often and soon outdated.
///
/// # Errors
/// Those of the file system; the old file is then still there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    written_beside(folder_of(path), bytes)?.persist(path).map(drop).map_err(|error| error.error)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn written_beside(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    // A temporary file is private by default; a result is for everyone, within the umask.
    let permissions = fs::Permissions::from_mode(0o666);
    let mut beside =
        tempfile::Builder::new().prefix(".writing-").permissions(permissions).tempfile_in(folder)?;
    beside.write_all(bytes)?;
    Ok(beside)
}

/// Makes the names in a folder survive a power loss; syncing the files alone does not.
///
/// # Errors
/// Those of the file system.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_again_replaces_and_leaves_nothing_beside() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("tables/matrix.csv");
        write_whole(&path, b"old and longer").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(root.path().join("tables")).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, b"new").is_err());
        assert!(path.is_dir());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
