//! Means with intervals and tests over runs and triples.

use sapo_metrics::Estimate;
use sapo_metrics::stats::sign_flip_test;

use crate::reporting::{self, STATISTICS_SEED, estimate};

/// A mean with its interval, of what may be nothing.
pub(super) fn some_estimate(values: &[f64]) -> anyhow::Result<Option<Estimate>> {
    if values.is_empty() { Ok(None) } else { estimate(values).map(Some) }
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Numbers of runs, each with the name of its triple.
#[derive(Debug, Clone, Default)]
pub(super) struct ByRun<'a>(pub(super) Vec<(&'a str, f64)>);

impl<'a> ByRun<'a> {
    pub(super) fn values(&self) -> Vec<f64> {
        self.0.iter().map(|(_, value)| *value).collect()
    }

    /// The mean of each triple over its seeds: runs of one triple are not independent of each other.
    pub(super) fn by_triple(&self) -> Vec<f64> {
        let mut triples: Vec<(&str, Vec<f64>)> = Vec::new();
        for &(triple, value) in &self.0 {
            match triples.iter_mut().find(|(known, _)| *known == triple) {
                Some((_, values)) => values.push(value),
                None => triples.push((triple, vec![value])),
            }
        }
        triples.iter().filter_map(|(_, values)| mean(values)).collect()
    }

    /// Mean over runs with its interval.
    pub(super) fn estimate(&self) -> anyhow::Result<Option<Estimate>> {
        some_estimate(&self.values())
    }

    /// p of the sign-flip test of no mean, over runs and over triples; none with fewer than two.
    pub(super) fn tests(&self) -> anyhow::Result<(Option<f64>, Option<f64>)> {
        let test = |values: Vec<f64>| -> anyhow::Result<Option<f64>> {
            if values.len() < 2 {
                return Ok(None);
            }
            Ok(Some(sign_flip_test(&values, STATISTICS_SEED)?))
        };
        Ok((test(self.values())?, test(self.by_triple())?))
    }
}

impl<'a> FromIterator<(&'a str, f64)> for ByRun<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, f64)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Holm's correction over those that are there.
pub(super) fn holm_of(p_values: &[Option<f64>]) -> anyhow::Result<Vec<Option<f64>>> {
    let known: Vec<f64> = p_values.iter().flatten().copied().collect();
    let mut corrected = sapo_metrics::holm(&known)?.into_iter();
    Ok(p_values.iter().map(|p| p.and_then(|_| corrected.next())).collect())
}

/// `p = 0.031`, or `untested`.
pub(super) fn shown_p(p: Option<f64>) -> String {
    p.map_or("untested".to_string(), reporting::shown_p)
}
