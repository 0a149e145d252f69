//! What stops a promotion or a notebook.

use std::io;
use std::path::{Path, PathBuf};

use sapo_files::folder::ClearError;

/// Why results could not be promoted or shown.
#[derive(Debug, thiserror::Error)]
pub enum NotebookError {
    /// The file system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// `read`, `write`, `list` or `remove`.
        operation: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A table is no Parquet file.
    #[error("cannot read the table {path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: polars_core::prelude::PolarsError,
    },
    /// A table has a column that the tables of this project do not have.
    #[error("{path}, column {column:?}: expected texts, integers or floats, got {got}")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        got: String,
    },
    /// A figure is no PNG.
    #[error("{path} is no PNG file")]
    Figure {
        /// The file.
        path: PathBuf,
    },
    /// It is not what this program writes.
    #[error("{path} is damaged: {source}; promote the results again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A newer program wrote it.
    #[error("{path} has version {got}, this program reads up to {known}; upgrade the program to read it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u64,
        /// The newest that is known.
        known: u64,
    },
    /// It cannot be written as JSON.
    #[error("cannot write {path} as JSON: {source}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
}

impl From<ClearError> for NotebookError {
    fn from(ClearError { path, operation, source }: ClearError) -> Self {
        Self::Io { path, operation, source }
    }
}

impl NotebookError {
    /// Says which file the system refused.
    pub(super) fn io(path: &Path, operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), operation, source }
    }
}
