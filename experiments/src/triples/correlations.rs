//! Correlations of what wordings do, where they are defined.

use sapo_metrics::{Correlation, StatsError, pearson, spearman};

/// Which wordings are looked at. The original is often unlike all of its paraphrases, and can make a correlation alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wordings {
    /// The original and its paraphrases.
    All,
    /// The paraphrases.
    Paraphrases,
}

impl Wordings {
    pub(super) const BOTH: [Self; 2] = [Self::All, Self::Paraphrases];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all wordings",
            Self::Paraphrases => "paraphrases only",
        }
    }

    /// The values of those wordings, of all in their order, the original first.
    pub(super) fn of(self, values: &[f64]) -> &[f64] {
        match self {
            Self::All => values,
            Self::Paraphrases => &values[1..],
        }
    }

    pub(super) fn pearson(self, a: &[f64], b: &[f64]) -> anyhow::Result<Option<Correlation>> {
        defined(pearson(self.of(a), self.of(b)))
    }

    pub(super) fn spearman(self, a: &[f64], b: &[f64]) -> anyhow::Result<Option<Correlation>> {
        defined(spearman(self.of(a), self.of(b)))
    }
}

/// None where one of the lists does not vary, or there are too few wordings.
fn defined(correlation: Result<Correlation, StatsError>) -> anyhow::Result<Option<Correlation>> {
    match correlation {
        Ok(correlation) => Ok(Some(correlation)),
        Err(StatsError::Constant { .. } | StatsError::TooFew { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
