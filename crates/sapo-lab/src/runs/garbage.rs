//! What lies in an experiment's folder and nobody needs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cell::CellId;
use crate::store::{Store, StoreError};

/// A file or folder that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// Where it lies.
    pub path: PathBuf,
    /// Why nobody needs it.
    pub why: &'static str,
    /// Its size, with all that is in it.
    pub bytes: u64,
    /// The cell whose progress it is, if it is one's.
    begun: Option<CellId>,
}

/// What may go: progress of cells that nobody computes now, and what a dead process left otherwise; folders that are no
/// cells; logs of cells that are not there. Stored cells, tables and plots are never among it.
///
/// # Errors
/// [`StoreError::Io`] where a folder cannot be listed.
pub fn garbage(store: &Store) -> Result<Vec<Garbage>, StoreError> {
    let mut found = Vec::new();
    let mut add = |path: PathBuf, why, begun| found.push(Garbage { bytes: size(&path), path, why, begun });
    for path in entries(&store.folder().join(".staging"))? {
        let id = cell_of(&path);
        let held = id.as_ref().map_or(Ok(false), |id| store.holder(id).map(|holder| holder.is_some()))?;
        let why = match &id {
            Some(id) if store.contains(id) => "its cell is stored",
            Some(_) => "begun, and nobody computes it now",
            None => "left by a process that died",
        };
        if !held {
            add(path, why, id);
        }
    }
    for path in entries(store.folder())? {
        if cell_of(&path).is_some_and(|id| !store.contains(&id)) {
            add(path, "a folder without a manifest is no cell", None);
        }
    }
    for path in entries(&store.folder().join("logs"))? {
        let id = path.file_stem().and_then(|stem| stem.to_string_lossy().parse::<CellId>().ok());
        if let Some(id) = id
            && !store.contains(&id)
            && store.holder(&id)?.is_none()
        {
            add(path, "the log of a cell that is not there", None);
        }
    }
    Ok(found)
}

impl Garbage {
    /// Removes it from the store that it was found in; progress of a cell that somebody computes by now stays.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove(&self, store: &Store) -> Result<(), StoreError> {
        if let Some(id) = &self.begun {
            return store.forget_progress(id).map(drop);
        }
        let removed =
            if self.path.is_dir() { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) };
        match removed {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::Io { path: self.path.clone(), operation: "remove", source })
            }
            _ => Ok(()),
        }
    }
}

fn cell_of(path: &Path) -> Option<CellId> {
    path.file_name()?.to_string_lossy().parse().ok()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| StoreError::Io { path: folder.into(), operation: "list", source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut paths =
        entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect::<Result<Vec<_>, StoreError>>()?;
    paths.sort();
    Ok(paths)
}

/// Bytes of a file, or of all files below a folder, as far as they can be read.
fn size(path: &Path) -> u64 {
    if !path.is_dir() {
        return fs::metadata(path).map_or(0, |file| file.len());
    }
    entries(path).unwrap_or_default().iter().map(|path| size(path)).sum()
}
