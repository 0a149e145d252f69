//! The questions that every figure asks of its data before it draws.

use super::error::PlotError;
use sapo_metrics::Estimate;

/// Checks that name the figure in their errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check(pub(crate) &'static str);

impl Check {
    pub(crate) fn some<T>(self, items: &[T], what: impl Into<String>) -> Result<(), PlotError> {
        if items.is_empty() { Err(PlotError::Empty { figure: self.0, what: what.into() }) } else { Ok(()) }
    }

    pub(crate) fn length(
        self,
        got: usize,
        expected: usize,
        what: impl Into<String>,
    ) -> Result<(), PlotError> {
        if got == expected {
            return Ok(());
        }
        Err(PlotError::Mismatch { figure: self.0, what: what.into(), expected, got })
    }

    pub(crate) fn finite(self, value: f64, what: impl FnOnce() -> String) -> Result<(), PlotError> {
        if value.is_finite() {
            return Ok(());
        }
        Err(PlotError::NotFinite { figure: self.0, what: what(), got: value })
    }

    /// Finite, and the ends enclose the mean.
    pub(crate) fn estimate(self, e: &Estimate, what: impl Fn() -> String) -> Result<(), PlotError> {
        for (value, part) in [(e.mean, "mean"), (e.low, "low"), (e.high, "high")] {
            self.finite(value, || format!("{} ({part})", what()))?;
        }
        // A resampled mean of equal values may differ from their mean in the last digit.
        let slack = 1e-9 * e.mean.abs().max(1.0);
        if e.low <= e.mean + slack && e.mean <= e.high + slack {
            return Ok(());
        }
        Err(PlotError::Interval { figure: self.0, what: what(), low: e.low, mean: e.mean, high: e.high })
    }

    pub(crate) fn distinct<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Result<(), PlotError> {
        let mut seen = std::collections::BTreeSet::new();
        match names.into_iter().find(|name| !seen.insert(*name)) {
            None => Ok(()),
            Some(name) => Err(PlotError::Duplicate { figure: self.0, name: name.to_string() }),
        }
    }
}
