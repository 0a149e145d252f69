//! A cell as a reader sees it.

use super::{Column, Values};

/// What stands where an optional value is missing.
const MISSING: &str = "n/a";

impl Column {
    /// The cell of `row` in plain characters; `n/a` where it is missing.
    pub(super) fn shown(&self, row: usize) -> String {
        let shown = match &self.values {
            Values::Text(values) => values[row].clone(),
            Values::Integer(values) => values[row].map(|value| value.to_string()),
            Values::Float(decimals, values) => values[row].map(|value| number(value, *decimals)),
            Values::Estimate(decimals, values) => values[row].map(|value| format!("{value:.decimals$}")),
            Values::PValue(values) => values[row].map(p_value),
        };
        shown.unwrap_or_else(|| MISSING.to_string())
    }

    /// Words stand on the left, numbers on the right.
    pub(super) fn is_words(&self) -> bool {
        matches!(self.values, Values::Text(_))
    }
}

/// No minus before a number that is shown as zero.
fn number(value: f64, decimals: usize) -> String {
    let shown = format!("{value:.decimals$}");
    match shown.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_string(),
        _ => shown,
    }
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_string() } else { format!("{p:.3}") }
}
