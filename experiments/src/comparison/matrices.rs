//! Stored runs as matrices, one set an arm, aligned by seed.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use sapo_lab::StoredRun;
use sapo_lab::record::Prediction;
use sapo_metrics::{Metric, Sample, TransferMatrix};

/// The metric of the tables, as the paper's.
const ROUGE_L: &str = "rouge_l";

/// The runs of one stream at one point of every axis.
pub(super) struct Results<'a> {
    /// Names of the tasks in stream order.
    pub(super) tasks: Vec<String>,
    /// Arms with at least one run, in the order of the configuration.
    pub(super) arms: Vec<ArmResults<'a>>,
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
    pub(super) fn from_runs(runs: &[&'a StoredRun], known: &'a [String]) -> anyhow::Result<Self> {
        let Some(first) = runs.first() else { bail!("there is no finished run to report") };
        let tasks = first.record.matrix(ROUGE_L)?.tasks().to_vec();
        let mut arms = Vec::new();
        for arm in known {
            let mut by_seed = BTreeMap::new();
            for stored in runs.iter().copied().filter(|run| run.axis("arm").as_ref() == Some(arm)) {
                let seed =
                    stored.axis("seed").and_then(|seed| seed.parse().ok()).context("a run without a seed")?;
                check_against_predictions(stored)?;
                let run = SeedRun { stored, matrix: stored.record.matrix(ROUGE_L)? };
                ensure!(
                    by_seed.insert(seed, run).is_none(),
                    "arm {arm}, seed {seed}: two runs at one point of the axes; the key of an axis does not tell its points apart"
                );
            }
            if !by_seed.is_empty() {
                arms.push(ArmResults { arm, runs: by_seed });
            }
        }
        Ok(Self { tasks, arms })
    }
}

impl ArmResults<'_> {
    /// Seconds and tokens by phase, summed over all runs.
    pub(super) fn by_phase(&self) -> BTreeMap<&str, (f64, u64)> {
        let mut by_phase: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
        for usage in self.runs.values().flat_map(|run| &run.stored.record.usage) {
            let sum = by_phase.entry(usage.phase.as_str()).or_default();
            *sum = (sum.0 + usage.seconds, sum.1 + usage.forward_tokens);
        }
        by_phase
    }

    /// R[step, task] of every run.
    pub(super) fn scores(&self, step: usize, task: usize) -> anyhow::Result<Vec<f64>> {
        Ok(self.runs.values().map(|run| run.matrix.get(step, task)).collect::<Result<_, _>>()?)
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
