//! Means with intervals and tests over triples, those that share T2 taken together.

use sapo_metrics::stats::sign_flip_test;
use sapo_metrics::{Estimate, STATISTICS_SEED};

use crate::reporting::{self, SIGNIFICANT, mean, pairs_that_can_decide};

/// The name of all types of triples together, where a type would stand.
pub(super) const ALL_KINDS: &str = "all";

/// A mean with its interval, of what may be nothing.
pub(super) fn some_estimate(values: &[f64]) -> anyhow::Result<Option<Estimate>> {
    Ok(sapo_metrics::estimate(values)?)
}

/// Numbers of runs, each with the name of its T2. Runs that train one T2 under the same wordings are not independent of
/// each other, so what is said of them is said over T2s: over triples, but for those that share it (the paper's sequences
/// share theirs).
#[derive(Debug, Clone, Default)]
pub(super) struct ByRun<'a>(pub(super) Vec<(&'a str, f64)>);

impl<'a> ByRun<'a> {
    pub(super) fn values(&self) -> Vec<f64> {
        self.0.iter().map(|(_, value)| *value).collect()
    }

    /// The mean of each T2 over its runs.
    pub(super) fn by_current(&self) -> Vec<f64> {
        let mut means: Vec<(&str, Vec<f64>)> = Vec::new();
        for &(current, value) in &self.0 {
            match means.iter_mut().find(|(known, _)| *known == current) {
                Some((_, values)) => values.push(value),
                None => means.push((current, vec![value])),
            }
        }
        means.iter().filter_map(|(_, values)| mean(values)).collect()
    }

    /// Mean over triples with its interval.
    pub(super) fn estimate(&self) -> anyhow::Result<Option<Estimate>> {
        some_estimate(&self.by_current())
    }

    /// p of the sign-flip test of no mean over triples; none with fewer than two.
    pub(super) fn p(&self) -> anyhow::Result<Option<f64>> {
        let values = self.by_current();
        if values.len() < 2 {
            return Ok(None);
        }
        Ok(Some(sign_flip_test(&values, STATISTICS_SEED)?))
    }
}

impl<'a> FromIterator<(&'a str, f64)> for ByRun<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, f64)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Holm's correction over a family of tests: of each its p, if it has one, and where the corrected one goes.
pub(super) fn correct<'a>(
    family: impl IntoIterator<Item = (Option<f64>, &'a mut Option<f64>)>,
) -> anyhow::Result<()> {
    let tested = family.into_iter().filter_map(|(p, corrected)| Some((p?, corrected)));
    let (p, places): (Vec<f64>, Vec<_>) = tested.unzip();
    places.into_iter().zip(sapo_metrics::holm(&p)?).for_each(|(place, p)| *place = Some(p));
    Ok(())
}

/// What has to be said where no result of so many tests could be decided with so many triples.
pub(super) fn too_few(triples: usize, tests: usize) -> Option<String> {
    let needed = pairs_that_can_decide(tests);
    (triples < needed).then(|| {
        format!("With fewer than {needed} triples none of {tests} tests could reach p = {SIGNIFICANT} after correction.")
    })
}

/// `p = 0.031`, or `untested`.
pub(super) fn shown_p(p: Option<f64>) -> String {
    p.map_or("untested".to_string(), reporting::shown_p)
}
