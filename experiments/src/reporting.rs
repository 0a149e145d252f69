//! What all reports share: how numbers get their intervals, how a p is shown, names for plots, and the marks of limited
//! runs.

use anyhow::Context;
use sapo_metrics::Estimate;

/// Below this, a test has decided.
pub const SIGNIFICANT: f64 = 0.05;

/// A mean with its 95 % bootstrap interval (BCa); a single value has none.
///
/// # Errors
/// Where there is no value, or one is not finite.
pub fn estimate(values: &[f64]) -> anyhow::Result<Estimate> {
    sapo_metrics::estimate(values)?.context("the mean of no value")
}

/// The mean; none of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// How many pairs it takes for a result of so many tests to be decided: the smallest p that the exact sign-flip test can
/// give, times the number of tests, has to be below [`SIGNIFICANT`].
pub fn pairs_that_can_decide(tests: usize) -> usize {
    (1..).find(|&n| 2.0 / 2_f64.powi(n) * tests as f64 <= SIGNIFICANT).map_or(usize::MAX, |n| n as usize)
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

/// What is added to the count of runs.
pub fn limits(limited: bool) -> &'static str {
    if limited { "; LIMITED by --limit-train or --limit-eval" } else { "" }
}

/// What is added to the title of a figure.
pub fn note(limited: bool) -> &'static str {
    if limited { " (limited)" } else { "" }
}

/// A short name for plots: `task195_sentiment140_classification` becomes `195 sentiment140`.
pub fn short_name(task: &str) -> String {
    match task.strip_prefix("task").and_then(|rest| rest.split_once('_')) {
        Some((number, rest)) => format!("{number} {}", rest.split('_').next().unwrap_or(rest)),
        None => task.replace('-', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tests_need_nine_pairs() {
        // 2 / 2^8 * 9 = 0.07 decides nothing, 2 / 2^9 * 9 = 0.035 may.
        assert_eq!(pairs_that_can_decide(9), 9);
        assert_eq!(pairs_that_can_decide(1), 6);
    }

    #[test]
    fn tasks_have_short_names() {
        assert_eq!(short_name("task195_sentiment140_classification"), "195 sentiment140");
        assert_eq!(short_name("which-is-food"), "which is food");
    }
}
