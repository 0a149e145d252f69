//! Which cells of which stores were asked for.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use crate::cell::CellId;
use crate::store::Store;

/// The cells to report of one experiment.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) store: Store,
    pub(super) ids: BTreeSet<CellId>,
    /// Whether all stored cells were asked for, and not some by their folders.
    pub(super) whole: bool,
}

/// The sources that the folders name; folders of one experiment make one source.
pub(super) fn find(runs: &[PathBuf]) -> Result<Vec<Source>, ReportError> {
    let mut sources: Vec<Source> = Vec::new();
    for given in runs {
        let found = find_one(given)?;
        match sources.iter_mut().find(|source| source.store.folder() == found.store.folder()) {
            Some(source) => {
                source.ids.extend(found.ids);
                source.whole |= found.whole;
            }
            None => sources.push(found),
        }
    }
    Ok(sources)
}

fn find_one(given: &Path) -> Result<Source, ReportError> {
    let none = |what| ReportError::NoRuns { path: given.to_owned(), what };
    // Resolved, so that `.` has a name and two ways to one folder are one.
    let folder = fs::canonicalize(given).map_err(|source| match source.kind() {
        ErrorKind::NotFound => none("there is no such folder"),
        _ => ReportError::Io { path: given.to_owned(), operation: "read", source },
    })?;
    if !folder.is_dir() {
        return Err(none("it is not a folder"));
    }
    if let Some(id) = cell_id(&folder) {
        let experiment = folder.parent().ok_or_else(|| none("it is in no experiment's folder"))?;
        return Ok(Source { store: open(experiment)?, ids: BTreeSet::from([id]), whole: false });
    }
    let list = |source| ReportError::Io { path: folder.clone(), operation: "list", source };
    let mut ids = BTreeSet::new();
    for entry in fs::read_dir(&folder).map_err(list)? {
        ids.extend(cell_id(&entry.map_err(list)?.path()));
    }
    if ids.is_empty() {
        return Err(none("there is no finished cell in it"));
    }
    Ok(Source { store: open(&folder)?, ids, whole: true })
}

/// The cell that a folder is, if it is one.
fn cell_id(folder: &Path) -> Option<CellId> {
    let id: CellId = folder.file_name()?.to_str()?.parse().ok()?;
    folder.join("manifest.json").is_file().then_some(id)
}

fn open(experiment: &Path) -> Result<Store, ReportError> {
    let name = experiment.file_name().unwrap_or_default().to_string_lossy();
    let root = experiment.parent().unwrap_or(experiment);
    Ok(Store::open(root, &name)?)
}
