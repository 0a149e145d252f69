//! How much of the differences between wordings is the wordings', and how much is chance.

use sapo_lab::tables::Table;

use super::correlations::Wordings;
use super::results::Results;
use crate::reporting::{marked, mean};

/// How much of the differences between wordings comes again under another seed.
pub(super) struct Noise {
    /// `G`, `C` or `M`.
    pub(super) kind: String,
    triple: String,
    /// Name of T2.
    pub(super) current: String,
    /// `T1`, `T2`, `T3a`, ...
    pub(super) role: String,
    pub(super) components: Components,
    /// Mean Pearson correlation of the scores by wording between two seeds; none where the scores of one do not differ.
    pub(super) between_seeds: Option<f64>,
}

/// Every task of every triple that has several seeds.
pub(super) fn noise(results: &Results) -> anyhow::Result<Vec<Noise>> {
    let mut noise = Vec::new();
    for runs in results.triples().iter().filter(|runs| runs.len() > 1) {
        for role in runs[0].roles() {
            let scores: Vec<Vec<f64>> = runs.iter().map(|run| run.scores(&role)).collect();
            let mut correlations = Vec::new();
            for (place, a) in scores.iter().enumerate() {
                for b in &scores[place + 1..] {
                    correlations.extend(Wordings::All.pearson(a, b)?.map(|correlation| correlation.r));
                }
            }
            noise.push(Noise {
                kind: runs[0].kind.clone(),
                triple: runs[0].triple.clone(),
                current: runs[0].current().to_string(),
                role,
                components: Components::of(&scores),
                between_seeds: mean(&correlations),
            });
        }
    }
    Ok(noise)
}

/// Variance of scores in a layout of wordings times seeds, one score each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Components {
    /// Between wordings, beyond what the residual explains; below 0 where chance has made less than it would on average.
    wordings: f64,
    /// What is neither the wording nor the seed: their interaction, the rows scored included.
    residual: f64,
}

impl Components {
    /// Of `[seed][wording]`, by the analysis of variance.
    ///
    /// # Source
    /// Searle, Casella and McCulloch (1992), "Variance components", section 4.5: two-way crossed, random, no replication.
    fn of(scores: &[Vec<f64>]) -> Self {
        let (seeds, wordings) = (scores.len() as f64, scores[0].len() as f64);
        let by_seed: Vec<f64> = scores.iter().map(|row| row.iter().sum::<f64>() / wordings).collect();
        let by_wording: Vec<f64> =
            (0..scores[0].len()).map(|w| scores.iter().map(|row| row[w]).sum::<f64>() / seeds).collect();
        let whole = by_seed.iter().sum::<f64>() / seeds;
        let between = by_wording.iter().map(|m| (m - whole).powi(2)).sum::<f64>() * seeds / (wordings - 1.0);
        let mut residual = 0.0;
        for (row, seed) in scores.iter().zip(&by_seed) {
            residual += row.iter().zip(&by_wording).map(|(x, w)| (x - seed - w + whole).powi(2)).sum::<f64>();
        }
        let residual = residual / ((seeds - 1.0) * (wordings - 1.0));
        Self { wordings: (between - residual) / seeds, residual }
    }

    /// Standard deviation between wordings, with the sign of their variance: cut off at 0 it would be above 0 in the mean
    /// where wordings do nothing.
    pub(super) fn sd_wordings(self) -> f64 {
        self.wordings.abs().sqrt().copysign(self.wordings)
    }

    /// The wordings' share of both, 0 to 1; none where nothing varies.
    fn share(self) -> Option<f64> {
        share_of(&[self])
    }
}

/// The wordings' share of the variance of several tasks together, 0 to 1; none where nothing varies.
pub(super) fn share_of(components: &[Components]) -> Option<f64> {
    let wordings: f64 = components.iter().map(|c| c.wordings).sum();
    let whole = wordings + components.iter().map(|c| c.residual).sum::<f64>();
    (whole > 0.0).then(|| (wordings / whole).max(0.0))
}

pub(super) fn table(noise: &[Noise], limited: bool) -> anyhow::Result<Option<Table>> {
    if noise.is_empty() {
        return Ok(None);
    }
    let caption = "How much of the differences between wordings comes again under another seed (other rows, adapter, order \
                   and dropout). Standard deviations of ROUGE-L between wordings, chance taken out (below 0 where it made less than it would on \
                   average), and of the residual (analysis of variance, wordings x seeds), the wordings' share of the variance, and the mean correlation of the scores by wording \
                   between two seeds (n/a where scores do not differ).";
    let table = Table::builder("seed_noise", marked(caption, limited))
        .text("triple", noise.iter().map(|row| row.triple.as_str()))
        .text("role", noise.iter().map(|row| row.role.as_str()))
        .float("sd_wordings", 2, noise.iter().map(|row| row.components.sd_wordings()))
        .heading("sd between wordings")
        .float("sd_residual", 2, noise.iter().map(|row| row.components.residual.sqrt()))
        .heading("sd of the residual")
        .optional_float("share", 2, noise.iter().map(|row| row.components.share()))
        .heading("share of wordings")
        .optional_float("r_between_seeds", 2, noise.iter().map(|row| row.between_seeds))
        .heading("r between seeds")
        .build()?;
    Ok(Some(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_by_hand() {
        // effects of wordings -1, 0, 1 and of seeds, nothing else: all is the wordings'
        let pure = Components::of(&[vec![1.0, 2.0, 3.0], vec![11.0, 12.0, 13.0]]);
        assert!((pure.wordings - 1.0).abs() < 1e-12 && pure.residual.abs() < 1e-12);
        assert_eq!(pure.share(), Some(1.0));
        // opposite in the two seeds: nothing comes again
        let noise = Components::of(&[vec![1.0, 2.0, 3.0], vec![3.0, 2.0, 1.0]]);
        assert_eq!((noise.wordings, noise.residual), (-1.0, 2.0));
        assert_eq!((noise.sd_wordings(), noise.share()), (-1.0, Some(0.0)));
        let together = share_of(&[pure, noise]);
        assert!(together.unwrap().abs() < 1e-12, "{together:?}");
        assert_eq!(Components::of(&[vec![5.0; 3], vec![5.0; 3]]).share(), None);
    }
}
