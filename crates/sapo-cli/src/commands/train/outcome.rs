use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use sapo_files::whole;
use sapo_lab::record::VariantLoss;
use sapo_lab::{RunRecord, StoredRun};
use sapo_learn::runs::RunConfig;
use sapo_metrics::{Convention, Transfer, TransferMatrix};
use serde_json::{Map, Value, json};

use super::METRIC;
use crate::table::{matrix_lines, wording_lines};

/// The wordings that the tasks are prompted with at the end, by task.
pub(super) const PROMPTS: &str = "prompts.json";
/// R as `sapo matrix --scores` reads it.
const MATRIX: &str = "matrix.json";

/// What is shown of a finished run.
pub(super) struct Outcome<'a> {
    run: &'a StoredRun,
    matrix: TransferMatrix,
    transfers: Vec<(Convention, Transfer)>,
}

impl<'a> Outcome<'a> {
    pub(super) fn of(run: &'a StoredRun) -> anyhow::Result<Self> {
        let matrix = run.record.matrix(METRIC)?;
        let transfers = Convention::ALL
            .into_iter()
            .map(|convention| Ok((convention, matrix.transfer(convention)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { run, matrix, transfers })
    }

    /// R with the chosen wordings, then AP, BWT and FWT.
    pub(super) fn write_table(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        write!(out, "{}", matrix_lines(&self.matrix)?)?;
        writeln!(out)?;
        for (convention, transfer) in &self.transfers {
            let show = |value: Option<f64>| value.map_or("-".to_string(), |value| format!("{value:.2}"));
            let (bwt, fwt) = (show(transfer.bwt), show(transfer.fwt));
            writeln!(out, "AP {:.2}  BWT {bwt}  FWT {fwt}  ({convention})", transfer.ap)?;
        }
        writeln!(out)?;
        write!(out, "{}", wording_lines(&self.run.record))?;
        Ok(writeln!(out, "\n{}", self.run.folder.display())?)
    }

    pub(super) fn write_json(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut object = Map::new();
        object.insert("folder".into(), json!(self.run.folder));
        object.insert("cell".into(), json!(self.run.cell.id()));
        object.insert("metric".into(), json!(METRIC));
        for (convention, transfer) in &self.transfers {
            object.insert(convention.name().into(), serde_json::to_value(transfer)?);
        }
        let Value::Object(matrix) = matrix_json(&self.matrix) else { return Ok(()) };
        object.extend(matrix);
        object.insert("prompts".into(), json!(prompts(&self.run.record)?));
        Ok(writeln!(out, "{}", Value::Object(object))?)
    }
}

/// Leaves R and the wordings among the artifacts, for other programs.
pub(super) fn keep(record: &RunRecord, artifacts: &Path) -> anyhow::Result<()> {
    let matrix = matrix_json(&record.matrix(METRIC)?);
    let files = [(MATRIX, matrix), (PROMPTS, json!(prompts(record)?))];
    for (name, value) in files {
        let path = artifacts.join(name);
        let text = format!("{}\n", serde_json::to_string_pretty(&value)?);
        whole::write(&path, text.as_bytes()).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn matrix_json(matrix: &TransferMatrix) -> Value {
    let row = |step: usize| -> Vec<Option<f64>> {
        (0..matrix.tasks().len()).map(|task| matrix.get(step, task).ok()).collect()
    };
    let rows: Vec<Vec<Option<f64>>> = (1..=matrix.tasks().len()).map(row).collect();
    json!({"tasks": matrix.tasks(), "zero_shot": row(0), "scores": rows})
}

/// What each task is prompted with at the end: the wording that was chosen or, where wordings were chosen again while it
/// trained, the one that most of its steps used.
fn prompts(record: &RunRecord) -> anyhow::Result<BTreeMap<String, String>> {
    let reselects = record.usage.iter().any(|usage| usage.phase == "reselect");
    let mut prompts = BTreeMap::new();
    for chosen in record.chosen() {
        let steps = record.training.iter().filter(|row| reselects && row.step == chosen.step);
        let wordings: Vec<&str> = steps.map(|row| row.wording.as_str()).collect();
        let used = sapo_learn::most_used(&wordings).copied().unwrap_or(&chosen.variant);
        let of_task = |variant: &&VariantLoss| variant.step == chosen.step && variant.variant == used;
        let wording = record.variant_losses.iter().find(of_task);
        let wording = wording.with_context(|| format!("task {}: no wording {used}", chosen.task_name))?;
        prompts.insert(chosen.task_name.clone(), wording.text.clone());
    }
    Ok(prompts)
}

/// The adapters among the artifacts that make the model at the end of the stream.
pub(super) fn adapters_of_the_end(config: &RunConfig, run: &StoredRun) -> Vec<String> {
    let tasks = run.record.scores.iter().map(|score| score.task).max().unwrap_or(0);
    let all = (1..=tasks).map(|step| format!("adapter-{step}"));
    let kept: Vec<String> = all.filter(|name| run.artifact(name).is_dir()).collect();
    match config.method.method().fresh_adapter() {
        Some(_) => kept,
        None => kept.into_iter().next_back().into_iter().collect(),
    }
}
