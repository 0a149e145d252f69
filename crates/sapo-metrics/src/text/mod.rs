//! How well a prediction matches its references, 0-100.
//!
//! One file a metric; each ends with the `MetricSpec` that the registry in `metric.rs` lists.

mod edit_similarity;
mod exact_match;
mod lcs;
mod mteval_13a;
mod porter;
mod python;
mod rouge;
mod rouge_tokens;
mod sari;
mod trace_rouge;

pub use edit_similarity::{edit_similarity, trace_edit_similarity};
pub use exact_match::{accuracy, exact_match, first_letter_accuracy};
pub use rouge::{Rouge, RougeScore, rouge_1, rouge_2, rouge_l, rouge_l_best};
pub use sari::sari;
pub use trace_rouge::trace_rouge_l;

pub(crate) use edit_similarity::{EDIT_SIMILARITY, TRACE_EDIT_SIMILARITY};
pub(crate) use exact_match::{ACCURACY, EXACT_MATCH, FIRST_LETTER_ACCURACY};
pub(crate) use rouge::{ROUGE_1, ROUGE_2, ROUGE_L, ROUGE_L_STEMMED};
pub(crate) use sari::SARI;
pub(crate) use trace_rouge::TRACE_ROUGE_L;

/// The best of `score` over the references, or `None` where there is none to compare with.
pub(crate) fn best<R: AsRef<str>>(references: &[R], score: impl Fn(&str) -> f64) -> Option<f64> {
    references.iter().map(|reference| score(reference.as_ref())).reduce(f64::max)
}
