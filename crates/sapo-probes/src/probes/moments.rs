//! Means and variances of what a model says at target positions.

use sapo_model::TokenStats;
use serde::{Deserialize, Serialize};

/// What a variance goes over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// The means of the examples, each over its own target positions.
    #[default]
    Examples,
    /// All target positions of all examples.
    Tokens,
}

impl Over {
    /// The values whose variance is taken, of what `of` picks at every target position.
    pub(super) fn values(self, stats: &[TokenStats], of: impl Fn(&TokenStats) -> &[f64]) -> Vec<f64> {
        match self {
            Self::Examples => stats.iter().map(|stats| mean(of(stats))).collect(),
            Self::Tokens => stats.iter().flat_map(|stats| of(stats).iter().copied()).collect(),
        }
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean squared distance from the mean, divided by the number of values as `numpy.var` does.
pub(super) fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variances_over_examples_and_tokens() {
        let stats = |nll: &[f64]| TokenStats { nll: nll.to_vec(), entropy: vec![] };
        let stats = [stats(&[1.0, 3.0]), stats(&[5.0])];
        let of = |over: Over| variance(&over.values(&stats, |stats| &stats.nll));
        assert_eq!(of(Over::Examples), 2.25); // of 2 and 5
        assert_eq!(of(Over::Tokens), 8.0 / 3.0); // of 1, 3 and 5
    }
}
