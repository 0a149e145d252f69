//! The figures: heat maps of R, scores along the stream and pre-update losses of every stream; AP, BWT and FWT by arm;
//! differences from the baseline; and what becomes of them along an axis.

use std::path::Path;

use anyhow::Context;
use itertools::Itertools;
use sapo_lab::plots::{
    self, ArmCurves, ArmLosses, ArmMatrices, ArmMetrics, DifferenceRow, Differences, Lines, Metric, Series,
    StreamCurves, TransferMatrices, VariantDot, VariantLosses,
};
use sapo_metrics::Estimate;

use super::config::{ComparisonConfig, ExtraFigure};
use super::cost;
use super::groups::{ALL_STREAMS, ArmNumbers, Groups, METRICS, Row};
use super::matrices::{ArmResults, Results};
use super::screen::point;
use super::tables::{PairedRow, paired_rows};
use crate::reporting::{self, estimate};
use crate::streams::short_name;

pub(super) fn write(groups: &Groups, config: &ComparisonConfig, folder: &Path) -> anyhow::Result<()> {
    let note = reporting::note(groups.limited);
    if groups.labels.len() == 1 {
        for group in &groups.groups {
            of_stream(&group.results, &group.values[0], groups.several_streams(), note, folder)?;
        }
    }
    let main = groups.main_rows()?;
    if let [whole] = main.as_slice() {
        let title = format!("AP, BWT and FWT by arm, {}{note}", place(&whole.values[0]));
        arm_metrics(whole, title)?.write(folder, "arm_metrics")?;
    }
    let paired = paired_rows(groups)?;
    if let Some(figure) = differences(groups, &paired, note)? {
        figure.write(folder, "differences")?;
    }
    // a line needs one axis: with two, several dots would have one x
    if groups.labels.len() == 2 && numeric(groups, 1) {
        let number = 1;
        along(groups, &main, number, note)?.write(folder, "ap_along_axis")?;
        if let Some(figure) = difference_along(groups, &paired, number, note)? {
            figure.write(folder, "difference_along_axis")?;
        }
    }
    if config.figures.contains(&ExtraFigure::Cost) {
        cost::figure(groups, &main, note)?.write(folder, "cost")?;
    }
    Ok(())
}

fn place(stream: &str) -> String {
    if stream == ALL_STREAMS { "mean over streams".to_string() } else { format!("stream {stream}") }
}

fn of_stream(
    results: &Results,
    stream: &str,
    several: bool,
    note: &str,
    folder: &Path,
) -> anyhow::Result<()> {
    let tasks: Vec<String> = results.tasks.iter().map(|task| short_name(task)).collect();
    let file = |name: &str| if several { format!("{name}_{stream}") } else { name.to_string() };
    transfer_matrices(results, &tasks, format!("Transfer matrix R by arm, stream {stream}{note}"))?
        .write(folder, &file("transfer_matrices"))?;
    stream_curves(results, &tasks, format!("Each task along the stream {stream}{note}"))?
        .write(folder, &file("stream_curves"))?;
    let title = format!("Pre-update loss of every wording, stream {stream}, first seed{note}");
    if let Some(figure) = variant_losses(results, &tasks, title)? {
        figure.write(folder, &file("variant_losses"))?;
    }
    Ok(())
}

/// Whether the values of a label are numbers, more than two of them.
fn numeric(groups: &Groups, label: usize) -> bool {
    let mut values: Vec<&str> = groups.groups.iter().map(|group| group.values[label].as_str()).collect();
    values.sort_unstable();
    values.dedup();
    values.len() > 2 && values.iter().all(|value| value.parse::<f64>().is_ok())
}

fn transfer_matrices(results: &Results, tasks: &[String], title: String) -> anyhow::Result<plots::Figure> {
    let seeds = |arm: &ArmResults| -> anyhow::Result<Vec<Vec<Vec<f64>>>> {
        let steps = 0..=tasks.len();
        arm.runs
            .values()
            .map(|run| {
                let row = |step| (0..tasks.len()).map(|task| Ok(run.matrix.get(step, task)?)).collect();
                steps.clone().map(row).collect()
            })
            .collect()
    };
    let arms = results
        .arms
        .iter()
        .map(|arm| Ok(ArmMatrices { arm: arm.arm.to_string(), seeds: seeds(arm)? }))
        .collect::<anyhow::Result<_>>()?;
    let data = TransferMatrices { title, score: "ROUGE-L".to_string(), tasks: tasks.to_vec(), arms };
    Ok(plots::transfer_matrices(&data)?)
}

fn stream_curves(results: &Results, tasks: &[String], title: String) -> anyhow::Result<plots::Figure> {
    let curve = |arm: &ArmResults, task: usize| -> anyhow::Result<Vec<Estimate>> {
        (0..=tasks.len()).map(|step| estimate(&arm.scores(step, task)?)).collect()
    };
    let arms = results
        .arms
        .iter()
        .map(|arm| {
            let scores = (0..tasks.len()).map(|task| curve(arm, task)).collect::<anyhow::Result<_>>()?;
            Ok(ArmCurves { arm: arm.arm.to_string(), scores })
        })
        .collect::<anyhow::Result<_>>()?;
    let data = StreamCurves { title, score: "ROUGE-L".to_string(), tasks: tasks.to_vec(), arms };
    Ok(plots::stream_curves(&data)?)
}

/// One panel for each arm that asked the model, of its first seed; none where no arm did. All seeds are in the runs.
fn variant_losses(
    results: &Results,
    tasks: &[String],
    title: String,
) -> anyhow::Result<Option<plots::Figure>> {
    let mut arms = Vec::new();
    for arm in &results.arms {
        let mut strips = vec![Vec::new(); tasks.len()];
        for variant in arm.runs.values().take(1).flat_map(|run| &run.stored.record.variant_losses) {
            if let Some(loss) = variant.loss {
                let original = variant.variant == sapo_prompts::ORIGINAL_ID;
                strips[variant.step as usize - 1].push(VariantDot { loss, original, chosen: variant.chosen });
            }
        }
        if strips.iter().all(|strip| !strip.is_empty()) {
            arms.push(ArmLosses { arm: arm.arm.to_string(), tasks: strips });
        }
    }
    if arms.is_empty() {
        return Ok(None);
    }
    Ok(Some(plots::variant_losses(&VariantLosses { title, tasks: tasks.to_vec(), arms })?))
}

fn arm_metrics(row: &Row, title: String) -> anyhow::Result<plots::Figure> {
    let notes = ["mean of the last row", "below 0: forgetting", "below 0: unseen tasks suffer"];
    let metrics = METRICS.into_iter().zip(notes).enumerate();
    let metrics = metrics
        .map(|(number, (name, note))| {
            let seeds: Vec<Vec<f64>> = row.arms.iter().map(|arm| arm.values(0, number)).collect();
            let estimates = seeds.iter().map(|values| estimate(values)).collect::<anyhow::Result<_>>()?;
            Ok(Metric {
                name: name.to_string(),
                note: note.to_string(),
                signed: name != "AP",
                estimates,
                seeds,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let arms = row.arms.iter().map(|arm| arm.arm.to_string()).collect();
    Ok(plots::arm_metrics(&ArmMetrics { title, unit: "ROUGE-L points".to_string(), arms, metrics })?)
}

/// Every group against the baseline; none where nothing can be compared.
fn differences(groups: &Groups, paired: &[PairedRow], note: &str) -> anyhow::Result<Option<plots::Figure>> {
    let arms: Vec<&str> = paired.iter().map(|row| row.arm).unique().collect();
    let mut rows: Vec<DifferenceRow> = Vec::new();
    for of_group in paired.chunk_by(|a, b| a.values == b.values) {
        let value = |metric: &str, arm: &str| {
            let row = of_group.iter().find(|row| row.metric == metric && row.arm == arm)?;
            Some(row.comparison.difference)
        };
        let values =
            METRICS.iter().map(|metric| arms.iter().map(|arm| value(metric, arm)).collect()).collect();
        let row = &of_group[0];
        let point = point(groups, &row.values);
        let stream = groups
            .several_streams()
            .then(|| if row.pooled { "all streams".to_string() } else { row.values[0].clone() });
        let name: Vec<String> = point.into_iter().chain(stream).collect();
        let name = if name.is_empty() { place(&row.values[0]) } else { name.join(", ") };
        rows.push(DifferenceRow { name, whole: row.pooled, values, marks: Vec::new() });
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let baseline = groups.baseline;
    Ok(Some(plots::differences(&Differences {
        title: format!("Each arm minus {baseline}, paired by seed{note}"),
        unit: "ROUGE-L points, mean and 95 % interval".to_string(),
        metrics: METRICS.map(String::from).to_vec(),
        arms: arms.into_iter().map(String::from).collect(),
        marks: Vec::new(),
        rows,
    })?))
}

/// AP of every arm along a numeric axis.
fn along(groups: &Groups, rows: &[Row], label: usize, note: &str) -> anyhow::Result<plots::Figure> {
    let series = groups
        .arms()
        .into_iter()
        .map(|name| {
            let of_arm = |row: &Row| -> Option<anyhow::Result<(f64, Estimate)>> {
                let arm: &ArmNumbers = row.arms.iter().find(|arm| arm.arm == name)?;
                Some(number(row.values[label].as_str()).and_then(|x| Ok((x, arm.estimate(0, 0)?))))
            };
            let points = ascending(rows.iter().filter_map(of_arm).collect::<anyhow::Result<_>>()?);
            Ok(Series { name: name.to_string(), points })
        })
        .collect::<anyhow::Result<_>>()?;
    let name = &groups.labels[label].name;
    let title = format!("AP by {name}, {}{note}", place(&rows[0].values[0]));
    Ok(plots::lines(&Lines { title, x: name.clone(), y: "AP (ROUGE-L points)".to_string(), series })?)
}

/// The difference in AP from the baseline along a numeric axis.
fn difference_along(
    groups: &Groups,
    paired: &[PairedRow],
    label: usize,
    note: &str,
) -> anyhow::Result<Option<plots::Figure>> {
    let several = groups.several_streams();
    let mut series: Vec<Series> = Vec::new();
    for row in paired.iter().filter(|row| row.pooled == several && row.metric == METRICS[0]) {
        let point = (number(&row.values[label])?, row.comparison.difference);
        match series.iter_mut().find(|series| series.name == row.arm) {
            Some(known) => known.points.push(point),
            None => series.push(Series { name: row.arm.to_string(), points: vec![point] }),
        }
    }
    if series.is_empty() {
        return Ok(None);
    }
    series.iter_mut().for_each(|series| series.points = ascending(std::mem::take(&mut series.points)));
    let (name, baseline) = (&groups.labels[label].name, groups.baseline);
    let title = format!("AP minus that of {baseline}, by {name}{note}");
    let y = format!("AP minus {baseline} (ROUGE-L points)");
    Ok(Some(plots::lines(&Lines { title, x: name.clone(), y, series })?))
}

fn number(text: &str) -> anyhow::Result<f64> {
    text.parse().with_context(|| format!("{text} on a numeric axis"))
}

fn ascending(mut points: Vec<(f64, Estimate)>) -> Vec<(f64, Estimate)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}
