//! The tables: metrics by arm, paired tests against the baseline, transfer matrices, choices, cost, re-selection.

use std::collections::BTreeMap;
use std::path::Path;

use sapo_lab::tables::Table;
use sapo_metrics::{Convention, Estimate, PairedComparison, holm, paired_comparison};

use super::matrices::{METRICS, Results, STATISTICS_SEED, estimate};
use super::reselection;

/// One arm against the baseline under one metric.
pub(super) struct PairedRow<'a> {
    pub(super) arm: &'a str,
    pub(super) metric: &'static str,
    pub(super) comparison: PairedComparison,
    /// p of the permutation test after Holm's correction over all rows.
    pub(super) p_holm: f64,
}

pub(super) fn write(results: &Results, folder: &Path) -> anyhow::Result<()> {
    by_arm(results)?.write_all(folder)?;
    if let Some(table) = against_baseline(results)? {
        table.write_all(folder)?;
    }
    transfer_matrices(results)?.write_all(folder)?;
    choices(results)?.write_all(folder)?;
    cost(results)?.write_all(folder)?;
    if let Some(table) = reselection::table(results)? {
        table.write_all(folder)?;
    }
    Ok(())
}

pub(super) fn marked(caption: &str, results: &Results) -> String {
    if results.limited {
        format!("{caption} LIMITED: made with fewer examples (--limit-train or --limit-eval).")
    } else {
        caption.to_string()
    }
}

/// AP, BWT and FWT of every arm in both conventions of the paper.
pub(super) fn by_arm(results: &Results) -> anyhow::Result<Table> {
    let caption = "Mean over seeds with 95 % bootstrap interval (BCa), ROUGE-L points, higher is better. Convention \
                   'released': as the paper's released evaluation computes BWT and FWT; 'printed': step-wise, as the paper \
                   prints them.";
    let (mut arms, mut conventions, mut seeds) = (Vec::new(), Vec::new(), Vec::new());
    let mut columns: Vec<Vec<Estimate>> = vec![Vec::new(); METRICS.len()];
    for convention in [Convention::Released, Convention::Printed] {
        for arm in &results.arms {
            arms.push(arm.arm);
            conventions.push(convention.name());
            seeds.push(arm.runs.len() as i64);
            for (column, metric) in columns.iter_mut().zip(METRICS) {
                let values: Vec<f64> = arm.values(metric, convention)?.into_values().collect();
                column.push(estimate(&values)?);
            }
        }
    }
    let mut table = Table::builder("by_arm", marked(caption, results))
        .text("convention", conventions)
        .text("arm", arms)
        .integer("seeds", seeds);
    for (metric, column) in METRICS.into_iter().zip(columns) {
        table = table.estimate(&metric.to_lowercase(), 1, column).heading(format!("{metric} ↑"));
    }
    Ok(table.build()?)
}

/// Every other arm against the baseline on the seeds that both have; empty where fewer than two pairs exist.
pub(super) fn paired_rows<'a>(results: &Results<'a>) -> anyhow::Result<Vec<PairedRow<'a>>> {
    let Some(baseline) = results.baseline() else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for arm in results.others() {
        for metric in METRICS {
            let ours = arm.values(metric, Convention::Released)?;
            let theirs = baseline.values(metric, Convention::Released)?;
            let (a, b): (Vec<f64>, Vec<f64>) =
                ours.iter().filter_map(|(seed, value)| Some((*value, *theirs.get(seed)?))).unzip();
            if a.len() >= 2 {
                rows.push((arm.arm, metric, paired_comparison(&a, &b, STATISTICS_SEED)?));
            }
        }
    }
    let corrected =
        holm(&rows.iter().map(|(_, _, comparison)| comparison.p_permutation).collect::<Vec<_>>())?;
    let row = |((arm, metric, comparison), p_holm)| PairedRow { arm, metric, comparison, p_holm };
    Ok(rows.into_iter().zip(corrected).map(row).collect())
}

fn against_baseline(results: &Results) -> anyhow::Result<Option<Table>> {
    let rows = paired_rows(results)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let baseline = results.baseline;
    let caption = format!(
        "Each arm minus {baseline}, paired by seed, convention 'released'. Interval: 95 % bootstrap (BCa). p: two-sided \
         permutation (sign-flip) test; Holm: corrected over all rows; dz: Cohen's effect size of the differences."
    );
    let column =
        |of: fn(&PairedComparison) -> f64| rows.iter().map(|row| of(&row.comparison)).collect::<Vec<_>>();
    let table = Table::builder(format!("against_{baseline}"), marked(&caption, results))
        .text("arm", rows.iter().map(|row| row.arm))
        .text("metric", rows.iter().map(|row| row.metric))
        .integer("seeds", rows.iter().map(|row| row.comparison.n as i64))
        .estimate("difference", 1, rows.iter().map(|row| row.comparison.difference))
        .p_value("p_permutation", column(|c| c.p_permutation))
        .heading("p (permutation)")
        .p_value("p_holm", rows.iter().map(|row| row.p_holm))
        .heading("p (Holm)")
        .p_value("p_wilcoxon", column(|c| c.p_wilcoxon))
        .heading("p (Wilcoxon)")
        .optional_float("dz", 2, rows.iter().map(|row| row.comparison.effect_size_dz))
        .build()?;
    Ok(Some(table))
}

/// R with intervals: a row for every arm, step and task.
fn transfer_matrices(results: &Results) -> anyhow::Result<Table> {
    let (mut arms, mut steps, mut tasks, mut scores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for arm in &results.arms {
        for step in 0..=results.tasks.len() {
            for (task, name) in results.tasks.iter().enumerate() {
                arms.push(arm.arm);
                steps.push(step as i64);
                tasks.push(name.as_str());
                scores.push(estimate(&arm.scores(step, task)?)?);
            }
        }
    }
    let caption = "R[step, task]: ROUGE-L of each task after training the first `step` tasks (0: untouched model), mean \
                   over seeds with 95 % bootstrap interval.";
    Ok(Table::builder("transfer_matrix", marked(caption, results))
        .text("arm", arms)
        .integer("step", steps)
        .text("task", tasks)
        .estimate("rouge_l", 1, scores)
        .heading("ROUGE-L ↑")
        .build()?)
}

/// What was chosen, with its loss and its rank among the candidates that were asked.
fn choices(results: &Results) -> anyhow::Result<Table> {
    let (mut arms, mut seeds, mut steps, mut tasks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut variants, mut losses, mut ranks, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for arm in &results.arms {
        for (&seed, run) in &arm.runs {
            for chosen in run.stored.record.chosen() {
                let better = |loss: f64| {
                    let rivals =
                        run.stored.record.variant_losses.iter().filter(|rival| rival.step == chosen.step);
                    1 + rivals.filter(|rival| rival.loss.is_some_and(|rival| rival < loss)).count() as i64
                };
                arms.push(arm.arm);
                seeds.push(i64::try_from(seed)?);
                steps.push(i64::from(chosen.step));
                tasks.push(chosen.task_name.as_str());
                variants.push(chosen.variant.as_str());
                losses.push(chosen.loss);
                ranks.push(chosen.loss.map(better));
                texts.push(chosen.text.as_str());
            }
        }
    }
    let caption = "The wording that each run chose before training; loss: pre-update loss in nats per target token; rank 1: lowest.";
    Ok(Table::builder("choices", marked(caption, results))
        .text("arm", arms)
        .integer("seed", seeds)
        .integer("step", steps)
        .text("task", tasks)
        .text("variant", variants)
        .optional_float("loss", 3, losses)
        .optional_integer("rank", ranks)
        .text("text", texts)
        .build()?)
}

/// Seconds and tokens by phase, mean over seeds.
fn cost(results: &Results) -> anyhow::Result<Table> {
    let (mut arms, mut phases, mut seconds, mut tokens) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for arm in &results.arms {
        let mut by_phase: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
        for usage in arm.runs.values().flat_map(|run| &run.stored.record.usage) {
            let sum = by_phase.entry(usage.phase.as_str()).or_default();
            *sum = (sum.0 + usage.seconds, sum.1 + usage.forward_tokens);
        }
        let runs = arm.runs.len();
        for (phase, (sum_seconds, sum_tokens)) in by_phase {
            arms.push(arm.arm);
            phases.push(phase);
            seconds.push(sum_seconds / runs as f64);
            tokens.push((sum_tokens / runs as u64) as i64);
        }
    }
    let caption =
        "Wall-clock seconds and tokens through the model by phase, mean over seeds of a whole stream.";
    Ok(Table::builder("cost", marked(caption, results))
        .text("arm", arms)
        .text("phase", phases)
        .float("seconds", 1, seconds)
        .integer("forward_tokens", tokens)
        .heading("tokens")
        .build()?)
}
