use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use sapo_metrics::{Convention, MatrixError, Transfer, TransferMatrix};
use serde::Deserialize;

use crate::failure::InputError;
use crate::table;

/// Read AP, BWT, FWT and forgetting from the scores of a run over a stream of tasks
///
/// --scores is {"zero_shot": [..], "scores": [[..], ..]}: zero_shot[j] is the untouched model's
/// score on task j, and scores[i][j] the score on task j after training on the tasks 0 to i. A score
/// that was not measured is null; where one is needed, it is an error and never 0. With "tasks": [..],
/// names of the tasks, messages name them.
///
/// AP is the mean of the last row; BWT what later training did to tasks already learnt; FWT what
/// training did to tasks not learnt yet. Higher is better in all. The literature has several
/// definitions under these names:
///
/// - released: as the evaluation code of "Training Prompt Matters" (arXiv 2606.01967) computes it;
/// - printed: as its formulas stand in print;
/// - gem: as in "Gradient episodic memory" (Lopez-Paz and Ranzato 2017).
///
/// Forgetting is the mean over all tasks but the last of the best score after any training before
/// the last, less the score after the last (Chaudhry et al. 2018): lower is better. Learning accuracy
/// is the mean over all tasks of the score just after the task was trained (Riemer et al. 2019).
///
/// A stream of a single task has no BWT, no FWT and no forgetting.
#[allow(rustdoc::broken_intra_doc_links, reason = "this is the text of --help")]
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct MatrixArgs {
    /// JSON of {"zero_shot": [..], "scores": [[..], ..]}
    #[arg(long, value_name = "FILE.json")]
    scores: PathBuf,
    /// Print one JSON object: {"released": {"AP", "BWT", "FWT"}, "printed": {..}, "gem": {..}, "forgetting",
    /// "learning_accuracy"}
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scores {
    tasks: Option<Vec<String>>,
    zero_shot: Vec<Option<f64>>,
    scores: Vec<Vec<Option<f64>>>,
}

/// All that is read from one matrix.
struct Reading {
    transfers: Vec<(Convention, Transfer)>,
    forgetting: Option<f64>,
    learning_accuracy: f64,
}

impl Reading {
    fn of(matrix: &TransferMatrix) -> Result<Self, MatrixError> {
        let transfer = |convention| Ok((convention, matrix.transfer(convention)?));
        Ok(Self {
            transfers: Convention::ALL.into_iter().map(transfer).collect::<Result<_, _>>()?,
            forgetting: matrix.forgetting()?,
            learning_accuracy: matrix.learning_accuracy()?,
        })
    }
}

pub(crate) fn run(args: &MatrixArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let matrix = read(args)?;
    let Reading { transfers, forgetting, learning_accuracy } =
        Reading::of(&matrix).with_context(|| args.scores.display().to_string())?;
    if args.json {
        let mut all: serde_json::Map<String, serde_json::Value> = transfers
            .iter()
            .map(|(convention, transfer)| {
                Ok((convention.name().to_string(), serde_json::to_value(transfer)?))
            })
            .collect::<Result<_, serde_json::Error>>()?;
        all.insert("forgetting".into(), forgetting.into());
        all.insert("learning_accuracy".into(), learning_accuracy.into());
        return Ok(writeln!(out, "{}", serde_json::Value::Object(all))?);
    }
    let show = |value: Option<f64>| value.map_or("-".to_string(), |value| format!("{value:.2}"));
    let row = |(convention, t): &(Convention, Transfer)| {
        [convention.name().to_string(), show(Some(t.ap)), show(t.bwt), show(t.fwt), String::new()]
    };
    let rows: Vec<_> = transfers.iter().map(row).collect();
    table::write(out, ["convention", "AP", "BWT", "FWT", ""], &rows)?;
    writeln!(out, "\nforgetting         {:>6}", show(forgetting))?;
    Ok(writeln!(out, "learning accuracy  {:>6}", show(Some(learning_accuracy)))?)
}

fn read(args: &MatrixArgs) -> anyhow::Result<TransferMatrix> {
    let path = &args.scores;
    let text = std::fs::read(path).map_err(|source| InputError::Read { path: path.clone(), source })?;
    let Scores { tasks, zero_shot, scores } =
        serde_json::from_slice(&text).map_err(|source| InputError::Scores { path: path.clone(), source })?;
    // named from 1, as the errors count cells
    let tasks = tasks.unwrap_or_else(|| (1..=zero_shot.len()).map(|task| task.to_string()).collect());
    let rows = std::iter::once(zero_shot).chain(scores).collect();
    TransferMatrix::from_rows(tasks, rows).with_context(|| path.display().to_string())
}
