//! One stored run as the page shows it.

use std::collections::BTreeMap;

use sapo_metrics::{Convention, MatrixError, Transfer, TransferMatrix};
use serde::Serialize;

use super::curve;
use super::samples::{self, TaskSamples};
use super::texts::Texts;
use crate::provenance::Provenance;
use crate::record::{RunRecord, Score, Usage, matrix_of};
use crate::store::StoredRun;

/// A cell with all that the page can show of it.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    pub(super) id: String,
    /// The values of the experiment's axes; filled in when all cells are known.
    pub(super) axes: Vec<String>,
    /// The settings that tell cells apart, other than the axes; filled in when all cells are known.
    pub(super) differing: BTreeMap<String, String>,
    pub(super) limited: bool,
    /// Wall-clock seconds from beginning to end.
    pub(super) seconds: f64,
    /// Tokens that went forward through the model.
    pub(super) tokens: u64,
    pub(super) started: String,
    pub(super) commit: Option<String>,
    /// Names of the tasks in stream order.
    pub(super) tasks: Vec<String>,
    /// By metric.
    pub(super) scores: BTreeMap<String, Scores>,
    steps: Vec<Step>,
    usage: Vec<Usage>,
    samples: Vec<TaskSamples>,
    /// The cell's own axes as its label, to tell neighbours.
    #[serde(skip)]
    pub(super) label: String,
    /// The resolved configuration, keys joined by dots.
    #[serde(skip)]
    pub(super) config: BTreeMap<String, String>,
    #[serde(skip)]
    pub(super) own_axes: Vec<(String, String)>,
    #[serde(skip)]
    pub(super) provenance: Provenance,
}

/// R and what follows from it, under one metric.
#[derive(Debug, Serialize)]
pub(super) struct Scores {
    /// `[step][task]`, step 0 the untouched model.
    pub(super) matrix: Vec<Vec<Option<f64>>>,
    /// By convention; empty where a score is missing.
    pub(super) transfer: BTreeMap<&'static str, Transfer>,
    /// Why there is no AP, BWT or FWT.
    missing: Option<String>,
}

/// What happened before and while one task was trained.
#[derive(Debug, Serialize)]
struct Step {
    /// Position of the task, from 1.
    task: u32,
    variants: Vec<Variant>,
    /// Optimiser step and mean loss, thinned.
    curve: Vec<(usize, f32)>,
    /// Place of each wording that was trained with, and for how many optimiser steps.
    wordings: Vec<(usize, usize)>,
}

/// A wording that was considered.
#[derive(Debug, Serialize)]
struct Variant {
    /// Place of its id.
    id: usize,
    /// Place of its text.
    text: usize,
    loss: Option<f64>,
    examples: u32,
    chosen: bool,
}

impl Cell {
    /// What the page needs of a run, with the answers to the first `samples` examples of each task.
    pub(super) fn new(run: StoredRun, samples: usize, texts: &mut Texts) -> Self {
        let limited = run.limited();
        let StoredRun { cell, provenance, record, .. } = run;
        let tasks = task_names(&record);
        let own_axes = cell.axes().into_iter().map(|(axis, value)| (axis.to_owned(), value)).collect();
        Self {
            id: cell.id().to_string(),
            axes: Vec::new(),
            differing: BTreeMap::new(),
            limited,
            seconds: provenance.wall_seconds,
            tokens: record.usage.iter().map(|usage| usage.forward_tokens).sum(),
            started: provenance.started.clone(),
            commit: provenance.code.commit.clone(),
            scores: scores(&record.scores, &tasks),
            steps: steps(&record, tasks.len(), texts),
            samples: samples::first(&record.predictions, samples, texts),
            usage: record.usage,
            tasks,
            label: cell.label(),
            config: super::settings::texts(cell.config()),
            own_axes,
            provenance,
        }
    }
}

/// Names by position, from whatever rows name tasks; a position that no row names keeps its number.
fn task_names(record: &RunRecord) -> Vec<String> {
    let scored = record.scores.iter().map(|score| (score.task, &score.task_name));
    let prompted = record.variant_losses.iter().map(|variant| (variant.step, &variant.task_name));
    let names: BTreeMap<u32, &String> = scored.chain(prompted).collect();
    let last = names.keys().next_back().copied().unwrap_or(0);
    (1..=last).map(|task| names.get(&task).map_or(format!("task {task}"), |name| (*name).clone())).collect()
}

fn scores(rows: &[Score], tasks: &[String]) -> BTreeMap<String, Scores> {
    let mut metrics: BTreeMap<String, Vec<&Score>> = BTreeMap::new();
    for score in rows {
        metrics.entry(score.metric.clone()).or_default().push(score);
    }
    metrics.into_iter().map(|(metric, rows)| (metric, scores_of_metric(&rows, tasks))).collect()
}

fn scores_of_metric(rows: &[&Score], tasks: &[String]) -> Scores {
    let transfer = |matrix: &TransferMatrix| {
        let named = |convention: Convention| Ok((convention.name(), matrix.transfer(convention)?));
        Convention::ALL.into_iter().map(named).collect::<Result<BTreeMap<_, _>, MatrixError>>()
    };
    match matrix_of(tasks.to_vec(), rows.iter().copied()) {
        Ok(matrix) => {
            let (transfer, missing) = match transfer(&matrix) {
                Ok(transfer) => (transfer, None),
                Err(error) => (BTreeMap::new(), Some(error.to_string())),
            };
            Scores { matrix: matrix.rows().to_vec(), transfer, missing }
        }
        Err(error) => {
            Scores { matrix: Vec::new(), transfer: BTreeMap::new(), missing: Some(error.to_string()) }
        }
    }
}

fn steps(record: &RunRecord, tasks: usize, texts: &mut Texts) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for task in 1..=tasks as u32 {
        let mut variants = Vec::new();
        for variant in record.variant_losses.iter().filter(|variant| variant.step == task) {
            variants.push(Variant {
                id: texts.place(&variant.variant),
                text: texts.place(&variant.text),
                loss: variant.loss,
                examples: variant.examples,
                chosen: variant.chosen,
            });
        }
        let mut losses = Vec::new();
        let mut wordings: Vec<(usize, usize)> = Vec::new();
        for row in record.training.iter().filter(|row| row.step == task) {
            losses.push(row.loss);
            let place = texts.place(&row.wording);
            match wordings.iter_mut().find(|(wording, _)| *wording == place) {
                Some((_, times)) => *times += 1,
                None => wordings.push((place, 1)),
            }
        }
        steps.push(Step { task, variants, curve: curve::thinned(&losses), wordings });
    }
    steps
}
