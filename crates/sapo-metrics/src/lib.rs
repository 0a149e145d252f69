//! Scores, the transfer matrix R with AP, BWT and FWT, and the statistics to compare them.
//!
//! Three floors, each usable alone, all pure:
//!
//! - [`text`]: one prediction against its references, 0-100. Every metric equals a named reference
//!   implementation, and [`Metric`] is the registry by which configurations and tables name them.
//! - [`TransferMatrix`]: R\[i, j\], the score on task j after training task i, and what continual learning reads
//!   from it. The literature has several definitions under one name, so a [`Convention`] is always said.
//! - [`stats`]: intervals, paired tests and correlations, so that no number is shown without its uncertainty.
//!
//! A missing score, a NaN or an infinity is an error that names its place; nothing here turns one into 0.

mod metric;
pub mod stats;
pub mod text;
mod transfer_matrix;

pub use metric::{Metric, MetricError, Sample};
pub use stats::{
    Bootstrap, Correlation, Estimate, IntervalMethod, PairedComparison, STATISTICS_SEED, StatsError,
    estimate, holm, paired_comparison, pearson, spearman,
};
pub use text::{
    Rouge, RougeScore, accuracy, edit_similarity, exact_match, first_letter_accuracy, rouge_1, rouge_2,
    rouge_l, rouge_l_best, sari, trace_edit_similarity, trace_rouge_l,
};
pub use transfer_matrix::{Convention, MatrixError, Transfer, TransferMatrix};
