//! Stored runs as matrices and numbers, one set an arm, aligned by seed.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use sapo_lab::StoredRun;
use sapo_lab::record::Prediction;
use sapo_metrics::{Bootstrap, Convention, Estimate, Metric, Sample, TransferMatrix};

use super::ComparisonConfig;

/// Seed of the bootstrap and of the permutation tests.
pub(super) const STATISTICS_SEED: u64 = 0;

/// The metric of the tables, as the paper's.
const ROUGE_L: &str = "rouge_l";

/// AP, BWT and FWT of one matrix, in this order everywhere.
pub(super) const METRICS: [&str; 3] = ["AP", "BWT", "FWT"];

/// All runs of the comparison.
pub(super) struct Results<'a> {
    /// Names of the tasks in stream order.
    pub(super) tasks: Vec<String>,
    /// Arms with at least one run, in the order of the configuration.
    pub(super) arms: Vec<ArmResults<'a>>,
    /// Name of the arm that the others are compared with.
    pub(super) baseline: &'a str,
    /// Whether any run was made with `--limit-*`.
    pub(super) limited: bool,
}

/// The runs of one arm.
pub(super) struct ArmResults<'a> {
    pub(super) arm: &'a str,
    /// By seed.
    pub(super) runs: BTreeMap<u64, SeedRun<'a>>,
}

/// One run with its transfer matrix.
pub(super) struct SeedRun<'a> {
    pub(super) stored: &'a StoredRun,
    /// ROUGE-L.
    pub(super) matrix: TransferMatrix,
}

impl<'a> Results<'a> {
    pub(super) fn from_runs(runs: &'a [StoredRun], config: &'a ComparisonConfig) -> anyhow::Result<Self> {
        let Some(first) = runs.first() else { bail!("there is no finished run to report") };
        let tasks = first.record.matrix(ROUGE_L)?.tasks().to_vec();
        let mut arms = Vec::new();
        for arm in config.arm_names() {
            let mut by_seed = BTreeMap::new();
            for stored in runs.iter().filter(|run| run.axis("arm").as_deref() == Some(arm)) {
                let seed =
                    stored.axis("seed").and_then(|seed| seed.parse().ok()).context("a run without a seed")?;
                check_against_predictions(stored)?;
                by_seed.insert(seed, SeedRun { stored, matrix: stored.record.matrix(ROUGE_L)? });
            }
            if !by_seed.is_empty() {
                arms.push(ArmResults { arm, runs: by_seed });
            }
        }
        let limited = runs.iter().any(StoredRun::limited);
        Ok(Self { tasks, arms, baseline: &config.baseline, limited })
    }

    /// The runs of the baseline, where there are any.
    pub(super) fn baseline(&self) -> Option<&ArmResults<'a>> {
        self.arms.iter().find(|arm| arm.arm == self.baseline)
    }

    /// The arms that are compared with the baseline.
    pub(super) fn others(&self) -> impl Iterator<Item = &ArmResults<'a>> {
        self.arms.iter().filter(|arm| arm.arm != self.baseline)
    }
}

impl ArmResults<'_> {
    /// One metric of every run, by seed.
    pub(super) fn values(&self, metric: &str, convention: Convention) -> anyhow::Result<BTreeMap<u64, f64>> {
        self.runs
            .iter()
            .map(|(&seed, run)| {
                let transfer = run.matrix.transfer(convention)?;
                let value = match metric {
                    "AP" => Some(transfer.ap),
                    "BWT" => transfer.bwt,
                    "FWT" => transfer.fwt,
                    other => bail!("unknown metric {other}"),
                };
                Ok((seed, value.with_context(|| format!("{metric} of a stream of one task"))?))
            })
            .collect()
    }

    /// R[step, task] of every run.
    pub(super) fn scores(&self, step: usize, task: usize) -> anyhow::Result<Vec<f64>> {
        Ok(self.runs.values().map(|run| run.matrix.get(step, task)).collect::<Result<_, _>>()?)
    }
}

/// A mean with its 95 % bootstrap interval over seeds (BCa); a single value has none.
pub(super) fn estimate(values: &[f64]) -> anyhow::Result<Estimate> {
    match values {
        [single] => Ok(Estimate::single(*single)),
        many => Ok(Bootstrap::new(STATISTICS_SEED).mean(many)?),
    }
}

/// Recomputes every score from the stored predictions: a table never shows a number that they do not give. SARI is left
/// out, for its source texts are not stored.
fn check_against_predictions(run: &StoredRun) -> anyhow::Result<()> {
    let mut samples: BTreeMap<(u32, u32), Vec<Sample>> = BTreeMap::new();
    for Prediction { step, task, prediction, references, .. } in &run.record.predictions {
        let sample = Sample { prediction, references, source: None };
        samples.entry((*step, *task)).or_default().push(sample);
    }
    for score in &run.record.scores {
        let Some(samples) = samples.get(&(score.step, score.task)) else {
            bail!("run {}: no predictions behind R[{}, {}]", run.cell.id(), score.step, score.task);
        };
        let metric: Metric = score.metric.parse().with_context(|| format!("run {}", run.cell.id()))?;
        if metric == Metric::Sari {
            continue;
        }
        let scores = metric.score_all(samples).with_context(|| format!("run {}", run.cell.id()))?;
        let recomputed = scores.iter().sum::<f64>() / scores.len() as f64;
        let count = scores.len() as u32;
        if count != score.examples || (recomputed - score.value).abs() > 1e-9 {
            bail!(
                "run {}: {} of R[{}, {}] is stored as {} but its predictions give {recomputed}",
                run.cell.id(),
                score.metric,
                score.step,
                score.task,
                score.value
            );
        }
    }
    Ok(())
}
