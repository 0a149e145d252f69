//! What can be wrong with the data of a figure, or with writing it.

use std::path::PathBuf;

/// Why a figure could not be drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// There is nothing to draw.
    #[error("{figure}: {what} is empty, expected at least one")]
    Empty {
        /// Kind of figure.
        figure: &'static str,
        /// The empty part of its data.
        what: String,
    },
    /// A number that has no place on paper. A missing score is an error, never a gap.
    #[error("{figure}: {what} is {got}, expected a finite number")]
    NotFinite {
        /// Kind of figure.
        figure: &'static str,
        /// Which number.
        what: String,
        /// The number.
        got: f64,
    },
    /// Two parts of the data disagree in length.
    #[error("{figure}: {what}: expected {expected}, got {got}")]
    Mismatch {
        /// Kind of figure.
        figure: &'static str,
        /// Which lengths.
        what: String,
        /// The length that the rest of the data asks for.
        expected: usize,
        /// The length that came.
        got: usize,
    },
    /// A name that occurs twice, so that a legend could not tell the two apart.
    #[error("{figure}: {name:?} occurs twice, expected distinct names")]
    Duplicate {
        /// Kind of figure.
        figure: &'static str,
        /// The name.
        name: String,
    },
    /// An interval whose ends do not enclose its mean.
    #[error("{figure}: {what}: expected low <= mean <= high, got {low} <= {mean} <= {high}")]
    Interval {
        /// Kind of figure.
        figure: &'static str,
        /// Which interval.
        what: String,
        /// Lower end.
        low: f64,
        /// Mean.
        mean: f64,
        /// Upper end.
        high: f64,
    },
    /// The drawing library refused.
    #[error("cannot draw {path}: {message}")]
    Draw {
        /// The file.
        path: PathBuf,
        /// What the library said.
        message: String,
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
