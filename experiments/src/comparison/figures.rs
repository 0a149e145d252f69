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
use super::groups::{ALL_STREAMS, Groups, METRICS, Row};
use super::matrices::{ArmResults, Results};
use super::{asked, cost};
use crate::reporting::{self, estimate, short_name};

/// What dots with bars are.
const MEAN: &str = "mean and 95 % interval";

pub(super) fn write(groups: &Groups, config: &ComparisonConfig, folder: &Path) -> anyhow::Result<()> {
    let note = reporting::note(groups.limited);
    if groups.labels.len() == 1 {
        for group in &groups.groups {
            of_stream(&group.results, &group.values[0], groups.several_streams(), note, folder)?;
        }
    }
    let main = groups.main_rows();
    if let [whole] = main.as_slice() {
        let title = format!("AP, BWT and FWT by arm, {}, {MEAN}{note}", place(&whole.values[0]));
        arm_metrics(whole, title)?.write(folder, "arm_metrics")?;
        if config.figures.contains(&ExtraFigure::Cost) {
            cost::figure(groups, whole, note)?.write(folder, "cost")?;
        }
    }
    if let Some(figure) = differences(groups, note)? {
        figure.write(folder, "differences")?;
    }
    if let Some(axis) = numeric_axis(groups)
        && let [first, ..] = main.as_slice()
    {
        let place = place(&first.values[0]);
        along(groups, &main, axis, format!("AP by {axis}, {place}, {MEAN}{note}"))?
            .write(folder, "ap_along_axis")?;
        if let Some(figure) = difference_along(groups, axis, note)? {
            figure.write(folder, "difference_along_axis")?;
        }
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

/// Where the value of the first axis stands among the labels: the stream is before it.
const AXIS: usize = 1;

/// The name of the one axis, if there is one whose points are more than two numbers. With two axes, several dots would
/// have one x.
fn numeric_axis<'a>(groups: &'a Groups) -> Option<&'a str> {
    let [_, axis] = groups.labels.as_slice() else { return None };
    let mut values = groups.groups.iter().map(|group| group.values[AXIS].as_str()).unique();
    let several = values.clone().count() > 2;
    (several && values.all(|value| value.parse::<f64>().is_ok())).then_some(axis.name.as_str())
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

/// One panel for each arm that asked the model, of its first seed; none where no arm did. All seeds are in the runs. Each
/// loss is a mean over the examples that the wording was asked about; the title says so where those are not the same.
fn variant_losses(
    results: &Results,
    tasks: &[String],
    title: String,
) -> anyhow::Result<Option<plots::Figure>> {
    let (mut arms, mut unevenly) = (Vec::new(), false);
    for arm in &results.arms {
        let mut strips = vec![Vec::new(); tasks.len()];
        let Some(run) = arm.runs.values().next() else { continue };
        let losses = &run.stored.record.variant_losses;
        for variant in losses {
            if let Some(loss) = variant.loss {
                let original = variant.variant == sapo_prompts::ORIGINAL_ID;
                strips[variant.step as usize - 1].push(VariantDot { loss, original, chosen: variant.chosen });
            }
        }
        if strips.iter().all(|strip| !strip.is_empty()) {
            unevenly |= asked::unevenly(losses);
            arms.push(ArmLosses { arm: arm.arm.to_string(), tasks: strips });
        }
    }
    if arms.is_empty() {
        return Ok(None);
    }
    let title =
        if unevenly { format!("{title}, over the examples that each was asked about") } else { title };
    Ok(Some(plots::variant_losses(&VariantLosses { title, tasks: tasks.to_vec(), arms })?))
}

fn arm_metrics(row: &Row, title: String) -> anyhow::Result<plots::Figure> {
    let metrics = plots::TRANSFER_METRICS
        .into_iter()
        .enumerate()
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
fn differences(groups: &Groups, note: &str) -> anyhow::Result<Option<plots::Figure>> {
    let arms: Vec<&str> = groups.paired.iter().map(|row| row.arm).unique().collect();
    let mut rows: Vec<DifferenceRow> = Vec::new();
    for of_group in groups.paired.chunk_by(|a, b| a.values == b.values) {
        let value = |metric: &str, arm: &str| {
            let row = of_group.iter().find(|row| row.metric == metric && row.arm == arm)?;
            Some(row.comparison.difference)
        };
        let values =
            METRICS.iter().map(|metric| arms.iter().map(|arm| value(metric, arm)).collect()).collect();
        let row = &of_group[0];
        // the title says what the values are of: with names, they would not fit beside the panels
        let point = row.values[AXIS..].iter().cloned();
        let stream = groups
            .several_streams()
            .then(|| if row.pooled { "all streams".to_string() } else { row.values[0].clone() });
        let name: Vec<String> = point.chain(stream).collect();
        let name = if name.is_empty() { place(&row.values[0]) } else { name.join(", ") };
        rows.push(DifferenceRow { name, whole: row.pooled, values, marks: Vec::new() });
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let (who, baseline) = (arms.iter().exactly_one().copied().unwrap_or("Each arm"), groups.baseline);
    let axes = groups.labels[AXIS..].iter().map(|axis| &axis.name).join(" and ");
    let by = if axes.is_empty() { axes } else { format!(" by {axes}") };
    Ok(Some(plots::differences(&Differences {
        title: format!("{who} minus {baseline}{by}, paired by seed{note}"),
        unit: format!("ROUGE-L points, {MEAN}"),
        metrics: METRICS.map(String::from).to_vec(),
        arms: arms.into_iter().map(String::from).collect(),
        beside: groups.arms().into_iter().map(String::from).collect(),
        marks: Vec::new(),
        rows,
    })?))
}

/// AP of every arm along the axis.
fn along(groups: &Groups, rows: &[&Row], axis: &str, title: String) -> anyhow::Result<plots::Figure> {
    let mut series = groups
        .arms()
        .into_iter()
        .map(|name| {
            let of_arm = |row: &&Row| -> Option<anyhow::Result<(f64, Estimate)>> {
                let arm = row.arm(name)?;
                Some(number(&row.values).and_then(|x| Ok((x, arm.estimate(0, 0)?))))
            };
            let mut points = rows.iter().filter_map(of_arm).collect::<anyhow::Result<Vec<_>>>()?;
            ascend(&mut points);
            Ok(Series { name: name.to_string(), points })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    // an arm that one of the streams lacks has no mean over them
    series.retain(|series| !series.points.is_empty());
    Ok(plots::lines(&Lines { title, x: axis.to_string(), y: "AP (ROUGE-L points)".to_string(), series })?)
}

/// The difference in AP from the baseline along the axis.
fn difference_along(groups: &Groups, axis: &str, note: &str) -> anyhow::Result<Option<plots::Figure>> {
    let mut series: Vec<Series> = Vec::new();
    for row in groups.main_paired().into_iter().filter(|row| row.metric == METRICS[0]) {
        let point = (number(&row.values)?, row.comparison.difference);
        match series.iter_mut().find(|series| series.name == row.arm) {
            Some(known) => known.points.push(point),
            None => series.push(Series { name: row.arm.to_string(), points: vec![point] }),
        }
    }
    if series.is_empty() {
        return Ok(None);
    }
    series.iter_mut().for_each(|series| ascend(&mut series.points));
    let baseline = groups.baseline;
    let whose = match series.as_slice() {
        [one] => format!("AP of {}", one.name),
        _ => "AP".to_string(),
    };
    let title = format!("{whose} minus that of {baseline}, by {axis}, {MEAN}{note}");
    let y = format!("AP minus {baseline} (ROUGE-L points)");
    Ok(Some(plots::lines(&Lines { title, x: axis.to_string(), y, series })?))
}

/// The value of the axis.
fn number(values: &[String]) -> anyhow::Result<f64> {
    let text = &values[AXIS];
    text.parse().with_context(|| format!("{text} on a numeric axis"))
}

fn ascend(points: &mut [(f64, Estimate)]) {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
}
