//! What an experiment says of itself beside its cells: `runs/<experiment>/experiment.json`.
//!
//! Cells hold their own configurations, but neither the question that they answer nor the grid that they are a part of.
//! Whatever reads a store later (`sapo report`) finds both here.

use std::io;
use std::path::{Path, PathBuf};

use sapo_files::whole;
use serde::{Deserialize, Serialize};

use crate::cell::{CellId, CellSpec};
use crate::versioned::{self, Unusable};

/// Version of the file that this program writes, and the newest that it reads.
pub const VERSION: u64 = 1;

const FILE: &str = "experiment.json";

/// Why there is a description that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// The file system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `write` or `read`.
        operation: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// It is not what this program writes.
    #[error("{path} is damaged: {source}; delete it: the next run of the experiment writes it anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A newer program wrote it.
    #[error("{path} has version {got}, this program reads up to {VERSION}; upgrade the program to read it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u64,
    },
}

/// The question of an experiment and the grid that was asked for last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Version of the file, [`VERSION`].
    pub version: u64,
    /// Name of the experiment.
    pub name: String,
    /// What it wants to know, in one line.
    pub question: String,
    /// The axes of the grid, outermost first, each with its values.
    pub axes: Vec<Axis>,
    /// Every cell of the grid.
    pub cells: Vec<CellId>,
}

/// One axis of a grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its values as texts, in the order of the grid.
    pub values: Vec<String>,
}

impl Description {
    /// What is to be said of this grid.
    #[must_use]
    pub fn new(name: &str, question: &str, cells: &[CellSpec]) -> Self {
        Self {
            version: VERSION,
            name: name.to_owned(),
            question: question.to_owned(),
            axes: axes(cells.iter().map(CellSpec::axes)),
            cells: cells.iter().map(CellSpec::id).collect(),
        }
    }

    /// Writes it into the experiment's folder, whole or not at all.
    ///
    /// # Errors
    /// [`DescriptionError::Io`].
    pub fn write(&self, folder: &Path) -> Result<(), DescriptionError> {
        let path = folder.join(FILE);
        let written = serde_json::to_string(self)
            .map_err(io::Error::from)
            .and_then(|text| whole::write(&path, (text + "\n").as_bytes()));
        written.map_err(|source| DescriptionError::Io { path, operation: "write", source })
    }

    /// Reads it from the experiment's folder; older programs left none.
    ///
    /// # Errors
    /// [`DescriptionError`].
    pub fn read(folder: &Path) -> Result<Option<Self>, DescriptionError> {
        let path = folder.join(FILE);
        versioned::read(&path, VERSION).map_err(|unusable| match unusable {
            Unusable::Io(source) => DescriptionError::Io { path, operation: "read", source },
            Unusable::Newer(got) => DescriptionError::Newer { path, got },
            Unusable::Damaged(source) => DescriptionError::Damaged { path, source },
        })
    }
}

/// Every axis that occurs, with every value that it takes, both in order of appearance.
pub(crate) fn axes<'a>(cells: impl IntoIterator<Item = Vec<(&'a str, String)>>) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (name, value) in cells.into_iter().flatten() {
        if !seen.insert((name.to_owned(), value.clone())) {
            continue;
        }
        match axes.iter_mut().find(|axis| axis.name == name) {
            Some(axis) => axis.values.push(value),
            None => axes.push(Axis { name: name.to_owned(), values: vec![value] }),
        }
    }
    axes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn description() -> Description {
        let cell = |arm, seed| CellSpec::new(json!({"arm": arm, "seed": seed}), &["arm", "seed"]).unwrap();
        Description::new("toy", "Why?", &[cell("b", 1), cell("a", 1), cell("b", 2)])
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Description::read(folder.path()).unwrap(), None);
        description().write(folder.path()).unwrap();
        assert_eq!(Description::read(folder.path()).unwrap(), Some(description()));
    }

    #[test]
    fn axes_and_values_keep_the_order_of_the_grid() {
        let axis = |name: &str, values: &[&str]| Axis {
            name: name.into(),
            values: values.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(description().axes, [axis("arm", &["b", "a"]), axis("seed", &["1", "2"])]);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |text: &str| {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            Description::read(folder.path()).unwrap_err().to_string()
        };
        let newer = refused(r#"{"version": 2, "all": "different"}"#);
        assert!(newer.contains("experiment.json has version 2"), "{newer}");
        for damaged in ["", "{\"version\": 1", "{\"version\": 1}"] {
            let error = refused(damaged);
            assert!(error.contains("experiment.json is damaged"), "{error}");
        }
    }
}
