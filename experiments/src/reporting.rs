//! What all reports share: how numbers get their intervals, how a p is shown, and the marks of limited runs.

use sapo_metrics::{Bootstrap, Estimate};

/// Seed of every bootstrap and permutation test.
pub const STATISTICS_SEED: u64 = 0;

/// Below this, a test has decided.
pub const SIGNIFICANT: f64 = 0.05;

/// A mean with its 95 % bootstrap interval (BCa); a single value has none.
///
/// # Errors
/// Where there is no value, or one is not finite.
pub fn estimate(values: &[f64]) -> anyhow::Result<Estimate> {
    match values {
        [single] => Ok(Estimate::single(*single)),
        many => Ok(Bootstrap::new(STATISTICS_SEED).mean(many)?),
    }
}

/// `p = 0.031`, `p < 0.001`.
pub fn shown_p(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_string() } else { format!("p = {p:.3}") }
}

/// The caption of a table with a word on limited runs.
pub fn marked(caption: &str, limited: bool) -> String {
    if limited {
        format!("{caption} LIMITED: made with fewer examples (--limit-train or --limit-eval).")
    } else {
        caption.to_string()
    }
}

/// What is added to the title of a figure.
pub fn note(limited: bool) -> &'static str {
    if limited { " (limited)" } else { "" }
}
