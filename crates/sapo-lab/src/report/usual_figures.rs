//! The usual figures of a comparison, for runs whose experiment drew none.

use sapo_metrics::{Convention, Estimate, Transfer, estimate};

use super::cell::Cell;
use super::figures::Shown;
use super::groups::Group;
use crate::plots::{
    self, ArmCurves, ArmMatrices, ArmMetrics, Figure, Metric, PlotError, StreamCurves, TransferMatrices,
};

/// The runs of one group, in numbers.
struct Arm {
    name: String,
    /// `[run][step][task]`.
    matrices: Vec<Vec<Vec<f64>>>,
    /// Of each run, in the released convention.
    transfers: Vec<Transfer>,
}

/// Transfer matrices, scores along the stream, and AP, BWT and FWT by group, under one metric; `note` ends the titles.
///
/// # Errors
/// Why these runs cannot be drawn, for the reader.
pub(super) fn draw(cells: &[Cell], groups: &[Group], metric: &str, note: &str) -> Result<Vec<Shown>, String> {
    let tasks = &cells.first().ok_or("there is no run")?.tasks;
    if tasks.len() < 2 {
        return Err("a stream of one task has no transfer".to_owned());
    }
    if cells.iter().any(|cell| cell.tasks != *tasks) {
        return Err("the runs are of different streams".to_owned());
    }
    let arms = groups
        .iter()
        .map(|group| arm(cells, group, metric))
        .collect::<Option<Vec<Arm>>>()
        .ok_or("some run lacks scores")?;
    let score = if metric == "rouge_l" { "ROUGE-L".to_owned() } else { metric.replace('_', " ") };
    Ok(vec![
        shown("transfer matrices", matrices(&arms, tasks, &score, note))?,
        shown("stream curves", curves(&arms, tasks, &score, note)?)?,
        shown("arm metrics", metrics(arms, &score, note)?)?,
    ])
}

fn shown(name: &str, figure: Result<Figure, PlotError>) -> Result<Shown, String> {
    let svg = figure.map_err(|error| error.to_string())?.svg()?;
    Ok(Shown::svg(name, &svg))
}

/// A group whose every run has every score.
fn arm(cells: &[Cell], group: &Group, metric: &str) -> Option<Arm> {
    let scores = || group.cells.iter().map(|&place| cells[place].scores.get(metric));
    let matrix = |matrix: &Vec<Vec<Option<f64>>>| {
        matrix.iter().map(|row| row.iter().copied().collect()).collect::<Option<Vec<Vec<f64>>>>()
    };
    Some(Arm {
        name: group.name(),
        matrices: scores().map(|scores| matrix(&scores?.matrix)).collect::<Option<_>>()?,
        transfers: scores()
            .map(|scores| scores?.transfer.get(Convention::Released.name()).copied())
            .collect::<Option<_>>()?,
    })
}

fn matrices(arms: &[Arm], tasks: &[String], score: &str, note: &str) -> Result<Figure, PlotError> {
    let arm = |arm: &Arm| ArmMatrices { arm: arm.name.clone(), seeds: arm.matrices.clone() };
    plots::transfer_matrices(&TransferMatrices {
        title: format!("Transfer matrix R{note}"),
        score: score.to_owned(),
        tasks: tasks.to_vec(),
        arms: arms.iter().map(arm).collect(),
    })
}

fn curves(
    arms: &[Arm],
    tasks: &[String],
    score: &str,
    note: &str,
) -> Result<Result<Figure, PlotError>, String> {
    let curve = |arm: &Arm, task: usize| {
        let at = |step: usize| mean(arm.matrices.iter().map(|matrix| matrix[step][task]));
        (0..=tasks.len()).map(at).collect()
    };
    let arm = |arm: &Arm| {
        let scores = (0..tasks.len()).map(|task| curve(arm, task)).collect::<Result<_, String>>()?;
        Ok(ArmCurves { arm: arm.name.clone(), scores })
    };
    let data = StreamCurves {
        title: format!("Each task along the stream{note}"),
        score: score.to_owned(),
        tasks: tasks.to_vec(),
        arms: arms.iter().map(arm).collect::<Result<_, String>>()?,
    };
    Ok(plots::stream_curves(&data))
}

fn metrics(arms: Vec<Arm>, score: &str, note: &str) -> Result<Result<Figure, PlotError>, String> {
    type Part = fn(&Transfer) -> Option<f64>;
    let parts: [Part; 3] = [|transfer| Some(transfer.ap), |transfer| transfer.bwt, |transfer| transfer.fwt];
    let metric = |((name, remark), part): ((&str, &str), Part)| {
        let of_arm = |arm: &Arm| arm.transfers.iter().filter_map(part).collect::<Vec<f64>>();
        let seeds: Vec<Vec<f64>> = arms.iter().map(of_arm).collect();
        let estimates =
            seeds.iter().map(|values| mean(values.iter().copied())).collect::<Result<_, String>>()?;
        Ok(Metric { name: name.to_owned(), note: remark.to_owned(), signed: name != "AP", estimates, seeds })
    };
    let metrics =
        plots::TRANSFER_METRICS.into_iter().zip(parts).map(metric).collect::<Result<_, String>>()?;
    Ok(plots::arm_metrics(&ArmMetrics {
        title: format!("AP, BWT and FWT{note}"),
        unit: format!("{score} points"),
        arms: arms.into_iter().map(|arm| arm.name).collect(),
        metrics,
    }))
}

fn mean(values: impl Iterator<Item = f64>) -> Result<Estimate, String> {
    let found = estimate(&values.collect::<Vec<_>>()).map_err(|error| error.to_string())?;
    found.ok_or_else(|| "there is no run".to_owned())
}
