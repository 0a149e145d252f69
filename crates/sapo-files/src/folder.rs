//! Folders that are written again and again, and hold no more than was written last.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Which file or folder could not be cleared, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path}: {source}")]
pub struct ClearError {
    /// File or folder.
    pub path: PathBuf,
    /// `list` or `remove`.
    pub operation: &'static str,
    /// The reason.
    pub source: io::Error,
}

/// Removes the files of a folder whose names `is_stale`, and gives these names in order.
///
/// Folders in it stay, names that are no Unicode too, and everything where the folder itself is a link or missing. A file
/// that another process removes first is none that was removed here, and no error.
///
/// # Errors
/// [`ClearError`] where the system refuses; files removed until then are gone.
pub fn clear(folder: &Path, is_stale: impl Fn(&str) -> bool) -> Result<Vec<String>, ClearError> {
    let mut removed = Vec::new();
    if folder.is_symlink() {
        return Ok(removed);
    }
    let unlisted = |source| ClearError { path: folder.to_owned(), operation: "list", source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(removed),
        entries => entries.map_err(unlisted)?,
    };
    for entry in entries {
        let entry = entry.map_err(unlisted)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_stale(&name) || entry.file_type().map_err(unlisted)?.is_dir() {
            continue;
        }
        let path = entry.path();
        match fs::remove_file(&path) {
            Ok(()) => removed.push(name),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(ClearError { path, operation: "remove", source }),
        }
    }
    removed.sort();
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_files_go_and_all_else_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("plots");
        fs::create_dir_all(folder.join("c.png")).unwrap();
        for name in ["b.png", "a.png", "kept.png", "notes.txt"] {
            fs::write(folder.join(name), b"").unwrap();
        }
        let removed = clear(&folder, |name| name.ends_with(".png") && name != "kept.png").unwrap();
        assert_eq!(removed, ["a.png", "b.png"]);
        let mut left: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["c.png", "kept.png", "notes.txt"]);
    }

    #[test]
    fn a_missing_folder_holds_nothing_that_is_stale() {
        let root = tempfile::tempdir().unwrap();
        assert!(clear(&root.path().join("absent"), |_| true).unwrap().is_empty());
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("plots");
        fs::write(&path, b"").unwrap();
        let error = clear(&path, |_| true).unwrap_err();
        assert_eq!((error.path, error.operation), (path.clone(), "list"));
        assert!(path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_behind_a_link_stays_but_links_go() {
        let root = tempfile::tempdir().unwrap();
        let (there, link) = (root.path().join("there"), root.path().join("plots"));
        fs::create_dir(&there).unwrap();
        fs::write(there.join("a.png"), b"").unwrap();
        std::os::unix::fs::symlink(&there, &link).unwrap();
        assert!(clear(&link, |_| true).unwrap().is_empty());
        std::os::unix::fs::symlink(there.join("a.png"), there.join("b.png")).unwrap();
        assert_eq!(clear(&there, |name| name == "b.png").unwrap(), ["b.png"]);
        assert!(there.join("a.png").exists());
    }
}
