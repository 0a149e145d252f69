use std::io;
use std::path::{Path, PathBuf};

use crate::cell::CellId;
use crate::manifest::VERSION;
use crate::parquet::ParquetError;

/// What can go wrong with the store; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A table could not be written or read.
    #[error(transparent)]
    Table(#[from] ParquetError),
    /// The manifest could not be put into words.
    #[error("cannot write the manifest of cell {id}: {source}")]
    Manifest {
        /// The cell.
        id: CellId,
        /// The reason.
        source: serde_json::Error,
    },
    /// A newer program wrote the cell.
    #[error(
        "{path} has layout version {got}, this program reads up to {VERSION}; upgrade the program to read it"
    )]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        got: u64,
    },
    /// A stored file is not what was written.
    #[error("{path} is damaged: {what}; delete the folder {folder} and run again to compute the cell anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// The cell's folder.
        folder: PathBuf,
    },
    /// The name of an experiment is a folder's name.
    #[error("an experiment is named by letters, digits, `-`, `_` and `.` (not first), got `{got}`")]
    BadName {
        /// What was given.
        got: String,
    },
}

impl StoreError {
    /// The file or folder that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. } | Self::Newer { path, .. } | Self::Damaged { path, .. } => Some(path),
            Self::Table(error) => error.path(),
            Self::Manifest { .. } | Self::BadName { .. } => None,
        }
    }
}

pub(super) fn io_error(path: &Path, operation: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { path, operation, source }
}
