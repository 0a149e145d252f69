//! The tables: metrics by arm, paired tests against the baseline and between points, transfer matrices, choices, cost,
//! re-selection.

use std::path::Path;

use sapo_lab::tables::{Table, TableBuilder};
use sapo_metrics::{Estimate, PairedComparison};

use super::groups::{CONVENTIONS, Groups, METRICS};
use super::{asked, between, regime, reselection};
use crate::reporting::{estimate, marked};

pub(super) fn write(groups: &Groups, folder: &Path) -> anyhow::Result<()> {
    by_arm(groups)?.write_all(folder)?;
    if let Some(table) = against_baseline(groups)? {
        table.write_all(folder)?;
    }
    if let Some(table) = between::table(groups)? {
        table.write_all(folder)?;
    }
    transfer_matrices(groups)?.write_all(folder)?;
    choices(groups)?.write_all(folder)?;
    cost(groups)?.write_all(folder)?;
    if let Some(table) = regime::table(groups)? {
        table.write_all(folder)?;
    }
    if let Some(table) = reselection::table(groups)? {
        table.write_all(folder)?;
    }
    Ok(())
}

/// Columns that say which group a row is of; `rows` are the values of the labels.
pub(super) fn labelled(mut table: TableBuilder, groups: &Groups, rows: &[&[String]]) -> TableBuilder {
    for place in groups.shown() {
        let values = rows.iter().map(|values| values[place].as_str());
        table = table.text(groups.column(place), values).heading(groups.labels[place].name.as_str());
    }
    table
}

/// AP, BWT and FWT of every arm in both conventions of the paper.
pub(super) fn by_arm(groups: &Groups) -> anyhow::Result<Table> {
    let mut caption = "Mean over seeds with 95 % bootstrap interval (BCa), ROUGE-L points, higher is better. Convention \
                       'released': as the paper's released evaluation computes BWT and FWT; 'printed': step-wise, as the \
                       paper prints them."
        .to_string();
    if groups.has_mean() {
        caption += " Stream 'all': the mean over streams of each seed.";
    }
    let (mut of_group, mut arms, mut conventions, mut seeds) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut columns: Vec<Vec<Estimate>> = vec![Vec::new(); METRICS.len()];
    for (number, convention) in CONVENTIONS.into_iter().enumerate() {
        for row in &groups.rows {
            for arm in &row.arms {
                of_group.push(row.values.as_slice());
                arms.push(arm.arm);
                conventions.push(convention.name());
                seeds.push(arm.by_seed.len() as i64);
                for (metric, column) in columns.iter_mut().enumerate() {
                    column.push(arm.estimate(number, metric)?);
                }
            }
        }
    }
    let table = Table::builder("by_arm", marked(&caption, groups.limited)).text("convention", conventions);
    let mut table = labelled(table, groups, &of_group).text("arm", arms).integer("seeds", seeds);
    for (metric, column) in METRICS.into_iter().zip(columns) {
        table = table.estimate(&metric.to_lowercase(), 1, column).heading(format!("{metric} ↑"));
    }
    Ok(table.build()?)
}

fn against_baseline(groups: &Groups) -> anyhow::Result<Option<Table>> {
    let rows = &groups.paired;
    if rows.is_empty() {
        return Ok(None);
    }
    let baseline = groups.baseline;
    let families = if groups.has_mean() {
        "all rows of stream 'all', and over all rows of single streams"
    } else {
        "all rows"
    };
    let caption = format!(
        "Each arm minus {baseline}, paired by seed, convention 'released'. Interval: 95 % bootstrap (BCa). p: two-sided \
         permutation (sign-flip) test; Holm: corrected over {families}; dz: Cohen's effect size of the differences."
    );
    let column =
        |of: fn(&PairedComparison) -> f64| rows.iter().map(|row| of(&row.comparison)).collect::<Vec<_>>();
    let of_group: Vec<&[String]> = rows.iter().map(|row| row.values.as_slice()).collect();
    let table = Table::builder(format!("against_{baseline}"), marked(&caption, groups.limited));
    let table = labelled(table, groups, &of_group)
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

/// R with intervals: a row for every group, arm, step and task.
fn transfer_matrices(groups: &Groups) -> anyhow::Result<Table> {
    let mut of_group: Vec<&[String]> = Vec::new();
    let (mut arms, mut steps, mut tasks, mut scores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for group in &groups.groups {
        let results = &group.results;
        for arm in &results.arms {
            for step in 0..=results.tasks.len() {
                for (task, name) in results.tasks.iter().enumerate() {
                    of_group.push(&group.values);
                    arms.push(arm.arm);
                    steps.push(step as i64);
                    tasks.push(name.as_str());
                    scores.push(estimate(&arm.scores(step, task)?)?);
                }
            }
        }
    }
    let caption = "R[step, task]: ROUGE-L of each task after training the first `step` tasks (0: untouched model), mean \
                   over seeds with 95 % bootstrap interval.";
    Ok(labelled(Table::builder("transfer_matrix", marked(caption, groups.limited)), groups, &of_group)
        .text("arm", arms)
        .integer("step", steps)
        .text("task", tasks)
        .estimate("rouge_l", 1, scores)
        .heading("ROUGE-L ↑")
        .build()?)
}

/// What was chosen, with its loss and its rank among the candidates that were asked as much.
fn choices(groups: &Groups) -> anyhow::Result<Table> {
    let mut of_group: Vec<&[String]> = Vec::new();
    let (mut arms, mut seeds, mut steps, mut tasks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut variants, mut losses, mut ranks, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for group in &groups.groups {
        for arm in &group.results.arms {
            for (&seed, run) in &arm.runs {
                for chosen in run.stored.record.chosen() {
                    of_group.push(&group.values);
                    arms.push(arm.arm);
                    seeds.push(i64::try_from(seed)?);
                    steps.push(i64::from(chosen.step));
                    tasks.push(chosen.task_name.as_str());
                    variants.push(chosen.variant.as_str());
                    losses.push(chosen.loss);
                    ranks.push(asked::rank(chosen, &run.stored.record.variant_losses));
                    texts.push(chosen.text.as_str());
                }
            }
        }
    }
    let caption = "The wording that each run chose before training; loss: pre-update loss in nats per target token; rank 1: \
                   lowest, among the wordings that were asked about as many examples (n/a where no other was: rules that \
                   ask less drop most of them early).";
    Ok(labelled(Table::builder("choices", marked(caption, groups.limited)), groups, &of_group)
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
fn cost(groups: &Groups) -> anyhow::Result<Table> {
    let mut of_group: Vec<&[String]> = Vec::new();
    let (mut arms, mut phases, mut seconds, mut tokens) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for group in &groups.groups {
        for arm in &group.results.arms {
            let runs = arm.runs.len();
            for (phase, (sum_seconds, sum_tokens)) in arm.by_phase() {
                of_group.push(&group.values);
                arms.push(arm.arm);
                phases.push(phase);
                seconds.push(sum_seconds / runs as f64);
                tokens.push((sum_tokens / runs as u64) as i64);
            }
        }
    }
    let caption =
        "Wall-clock seconds and tokens through the model by phase, mean over seeds of a whole stream.";
    Ok(labelled(Table::builder("cost", marked(caption, groups.limited)), groups, &of_group)
        .text("arm", arms)
        .text("phase", phases)
        .float("seconds", 1, seconds)
        .integer("forward_tokens", tokens)
        .heading("tokens")
        .build()?)
}
