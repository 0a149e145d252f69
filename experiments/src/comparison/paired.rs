//! Arms against the baseline, paired by seed.

use sapo_metrics::{PairedComparison, STATISTICS_SEED, holm, paired_comparison};

use super::groups::{METRICS, Numbers, Row};

/// One arm against the baseline under one metric.
pub(super) struct PairedRow<'a> {
    /// The values of the labels, the stream first.
    pub(super) values: Vec<String>,
    /// Whether it is about the mean over streams.
    pub(super) pooled: bool,
    pub(super) arm: &'a str,
    pub(super) metric: &'static str,
    pub(super) comparison: PairedComparison,
    /// p of the permutation test after Holm's correction over the rows of its family.
    pub(super) p_holm: f64,
}

/// Every other arm against the baseline on the seeds that both have; empty where fewer than two pairs exist. Corrected in
/// two families: the rows that stand for the whole, and those of single streams.
pub(super) fn paired<'a>(rows: &[Row<'a>], baseline: &str) -> anyhow::Result<Vec<PairedRow<'a>>> {
    let mut paired = Vec::new();
    for row in rows {
        let Some(with) = row.arm(baseline) else { continue };
        for arm in row.arms.iter().filter(|arm| arm.arm != baseline) {
            for (number, metric) in METRICS.into_iter().enumerate() {
                let value = |numbers: &Numbers| numbers[0][number];
                let pair = |(seed, ours)| Some((value(ours), value(with.by_seed.get(seed)?)));
                let (a, b): (Vec<f64>, Vec<f64>) = arm.by_seed.iter().filter_map(pair).unzip();
                if a.len() >= 2 {
                    let comparison = paired_comparison(&a, &b, STATISTICS_SEED)?;
                    let (values, pooled) = (row.values.clone(), row.pooled);
                    paired.push(PairedRow { values, pooled, arm: arm.arm, metric, comparison, p_holm: 1.0 });
                }
            }
        }
    }
    for pooled in [true, false] {
        let mut family: Vec<&mut PairedRow> = paired.iter_mut().filter(|row| row.pooled == pooled).collect();
        let corrected = corrected(family.iter().map(|row| &row.comparison))?;
        family.iter_mut().zip(corrected).for_each(|(row, corrected)| row.p_holm = corrected);
    }
    Ok(paired)
}

/// The p of the permutation tests of a family after Holm's correction over it.
pub(super) fn corrected<'c>(family: impl Iterator<Item = &'c PairedComparison>) -> anyhow::Result<Vec<f64>> {
    Ok(holm(&family.map(|comparison| comparison.p_permutation).collect::<Vec<_>>())?)
}
