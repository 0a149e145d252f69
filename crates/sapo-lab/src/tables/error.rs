//! What can be wrong with a table, or with writing it.

use std::path::PathBuf;

/// Why a table could not be built or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A name that could not be a file name or a column name.
    #[error(
        "table {table:?}: {got:?} is no name, expected letters, digits, '_', '-' or '.', not first a '.'"
    )]
    Name {
        /// The table.
        table: String,
        /// The name.
        got: String,
    },
    /// Two columns (or the parts of an estimate) with one name.
    #[error("table {table:?}: two columns are named {column:?}")]
    Duplicate {
        /// The table.
        table: String,
        /// The name.
        column: String,
    },
    /// No column, or no row.
    #[error("table {table:?} has no {what}")]
    Empty {
        /// The table.
        table: String,
        /// `columns` or `rows`.
        what: &'static str,
    },
    /// A column of another length than the first.
    #[error("table {table:?}, column {column:?}: expected {expected} rows like the first column, got {got}")]
    Length {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this one.
        got: usize,
    },
    /// A number that is none.
    #[error("table {table:?}, column {column:?}, row {row}: expected {expected}, got {got}")]
    Value {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
        /// What the column takes.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// The table library refused.
    #[error("cannot write {path}: {source}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: polars_core::prelude::PolarsError,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
