//! All stored runs below a folder: what is there, what differs, what is damaged, what nobody needs.

mod check;
mod diff;
mod garbage;
mod index;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use check::{Finding, check};
pub use diff::{Difference, Differences, diff};
pub use garbage::{Garbage, garbage};
pub use index::{Index, IndexedCell};

use crate::cell::CellId;
use crate::store::{Store, StoreError};

/// A cell cannot be told from what was said of it.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No stored cell has such a name.
    #[error("no stored cell in {root} is named {name}", root = root.display())]
    NoCell {
        /// Where it was looked for.
        root: PathBuf,
        /// What was said.
        name: String,
    },
    /// More than one cell has such a name.
    #[error("{name} is not one cell: {}", of.join(", "))]
    Ambiguous {
        /// What was said.
        name: String,
        /// The cells.
        of: Vec<String>,
    },
}

/// The experiments whose runs lie below `root`, by name.
///
/// # Errors
/// [`StoreError::Io`] where the folder cannot be listed.
pub fn experiments(root: &Path) -> Result<Vec<Store>, StoreError> {
    let failed = |source: io::Error| StoreError::Io { path: root.into(), operation: "list", source };
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        names.extend(
            path.file_name().filter(|_| holds_cells(&path)).map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    // a folder that no experiment could have is somebody's copy
    Ok(names.iter().filter_map(|name| Store::open(root, name).ok()).collect())
}

/// Whether a folder is an experiment's: a cell lies in it, or is being computed.
fn holds_cells(folder: &Path) -> bool {
    let is_cell = |name: &str| name == ".staging" || name.parse::<CellId>().is_ok();
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| is_cell(&entry.file_name().to_string_lossy())))
    })
}

/// The cell that a person means: a path of its folder, `experiment/cell`, or the beginning of its name.
///
/// # Errors
/// [`RunsError`].
pub fn find(root: &Path, name: &str) -> Result<(Store, CellId), RunsError> {
    let path = Path::new(name);
    if path.join("manifest.json").is_file()
        && let (Some(folder), Some(id)) = (path.parent(), path.file_name())
        && let (Some(root), Some(experiment)) = (folder.parent(), folder.file_name())
        && let Ok(id) = id.to_string_lossy().parse()
    {
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        return Ok((Store::open(root, &experiment.to_string_lossy())?, id));
    }
    let (experiment, beginning) = match name.split_once('/') {
        Some((experiment, beginning)) => (Some(experiment), beginning),
        None => (None, name),
    };
    let mut found = Vec::new();
    for store in experiments(root)? {
        if experiment.is_none_or(|experiment| experiment == store.experiment()) {
            let ids = store.stored()?.into_iter().filter(|id| id.as_str().starts_with(beginning));
            found.extend(ids.map(|id| (store.clone(), id)));
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(RunsError::NoCell { root: root.into(), name: name.into() }),
        _ => {
            let of = found.iter().map(|(store, id)| format!("{}/{id}", store.experiment())).collect();
            Err(RunsError::Ambiguous { name: name.into(), of })
        }
    }
}
