//! Intervals, paired tests and correlations; each equals `scipy` where scipy has it.
//!
//! What is random takes a seed and gives the same on every machine and any number of threads.

mod bootstrap;
mod correlation;
mod estimate;
mod holm;
mod normal;
mod paired;
mod sign_flip;
mod wilcoxon;

pub use bootstrap::{Bootstrap, IntervalMethod, STATISTICS_SEED, bootstrap_interval, estimate};
pub use correlation::{Correlation, pearson, pearson_bootstrap, spearman, spearman_bootstrap};
pub use estimate::Estimate;
pub use holm::holm;
pub use paired::{PairedComparison, cohens_dz, paired_comparison};
pub use sign_flip::sign_flip_test;
pub use wilcoxon::wilcoxon_test;

/// The confidence of every interval that does not say otherwise.
pub const CONFIDENCE: f64 = 0.95;

/// A statistic cannot be computed from what was given.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum StatsError {
    /// There are too few values to say anything.
    #[error("{operation}: expected at least {needed} values, got {got}")]
    TooFew {
        /// What was computed.
        operation: &'static str,
        /// The fewest values that make sense.
        needed: usize,
        /// How many there were.
        got: usize,
    },
    /// A value is NaN or infinite.
    #[error("{operation}: value {index} is {value}: expected a finite number")]
    NotFinite {
        /// What was computed.
        operation: &'static str,
        /// The value's place, from 0.
        index: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// Two lists that belong together differ in length.
    #[error("{operation}: expected pairs, got {left} values and {right}")]
    Unpaired {
        /// What was computed.
        operation: &'static str,
        /// The length of the first list.
        left: usize,
        /// The length of the second.
        right: usize,
    },
    /// All values are the same, so nothing can go along with them.
    #[error("{operation}: expected values that differ, got the same value everywhere")]
    Constant {
        /// What was computed.
        operation: &'static str,
    },
    /// A setting is out of its range.
    #[error("{operation}: {setting} is {got}: expected {expected}")]
    Setting {
        /// What was computed.
        operation: &'static str,
        /// The setting's name.
        setting: &'static str,
        /// What it was.
        got: f64,
        /// What it may be.
        expected: &'static str,
    },
}

fn check_values(operation: &'static str, values: &[f64], needed: usize) -> Result<(), StatsError> {
    if values.len() < needed {
        return Err(StatsError::TooFew { operation, needed, got: values.len() });
    }
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((index, &value)) => Err(StatsError::NotFinite { operation, index, value }),
        None => Ok(()),
    }
}

fn check_pairs(operation: &'static str, a: &[f64], b: &[f64], needed: usize) -> Result<(), StatsError> {
    if a.len() != b.len() {
        return Err(StatsError::Unpaired { operation, left: a.len(), right: b.len() });
    }
    check_values(operation, a, needed)?;
    check_values(operation, b, needed)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
