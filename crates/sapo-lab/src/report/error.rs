//! What stops a report.

use std::io;
use std::path::PathBuf;

use sapo_metrics::StatsError;

use crate::store::StoreError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// What was given is not there, or holds nothing to report.
    #[error("no runs in {path}: {what}")]
    NoRuns {
        /// What was given.
        path: PathBuf,
        /// What is there instead.
        what: &'static str,
    },
    /// The file system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// `list` or `read`.
        operation: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// The folder cannot be one of an experiment.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A mean has no interval.
    #[error(transparent)]
    Statistics(#[from] StatsError),
    /// The runs cannot be written into the page.
    #[error("cannot write the runs of {experiment} into the page: {source}")]
    Data {
        /// Name of the experiment.
        experiment: String,
        /// The reason.
        source: serde_json::Error,
    },
    /// The template failed.
    #[error("cannot make the page: {0}")]
    Page(#[from] minijinja::Error),
}
