use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use sapo_metrics::{Convention, Transfer, TransferMatrix};
use serde::Deserialize;

use crate::failure::InputError;
use crate::table;

/// Read AP, BWT and FWT from the scores of a run over a stream of tasks
///
/// --scores is {"zero_shot": [..], "scores": [[..], ..]}: zero_shot[j] is the untouched model's
/// score on task j, and scores[i][j] the score on task j after training on the tasks 0 to i. A score
/// that was not measured is null; where one is needed, it is an error and never 0.
///
/// AP is the mean of the last row; BWT what later training did to tasks already learnt; FWT what
/// training did to tasks not learnt yet. Higher is better in all. The literature has several
/// definitions under these names:
///
/// - released: as the evaluation code of "Training Prompt Matters" (arXiv 2606.01967) computes it;
/// - printed: as its formulas stand in print;
/// - gem: as in "Gradient episodic memory" (Lopez-Paz and Ranzato 2017).
///
/// A stream of a single task has no BWT and no FWT.
#[allow(rustdoc::broken_intra_doc_links, reason = "this is the text of --help")]
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct MatrixArgs {
    /// JSON of {"zero_shot": [..], "scores": [[..], ..]}
    #[arg(long, value_name = "FILE.json")]
    scores: PathBuf,
    /// Print one JSON object: {"released": {"AP", "BWT", "FWT"}, "printed": {..}, "gem": {..}}
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scores {
    zero_shot: Vec<Option<f64>>,
    scores: Vec<Vec<Option<f64>>>,
}

pub(crate) fn run(args: &MatrixArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let matrix = read(args)?;
    let transfers = Convention::ALL
        .into_iter()
        .map(|convention| Ok((convention, matrix.transfer(convention)?)))
        .collect::<Result<Vec<(Convention, Transfer)>, sapo_metrics::MatrixError>>()
        .with_context(|| args.scores.display().to_string())?;
    if args.json {
        let all: serde_json::Map<String, serde_json::Value> = transfers
            .iter()
            .map(|(convention, transfer)| {
                Ok((convention.name().to_string(), serde_json::to_value(transfer)?))
            })
            .collect::<Result<_, serde_json::Error>>()?;
        return Ok(writeln!(out, "{}", serde_json::Value::Object(all))?);
    }
    let show = |value: Option<f64>| value.map_or("-".to_string(), |value| format!("{value:.2}"));
    let row = |(convention, t): &(Convention, Transfer)| {
        [convention.name().to_string(), show(Some(t.ap)), show(t.bwt), show(t.fwt), String::new()]
    };
    let rows: Vec<_> = transfers.iter().map(row).collect();
    Ok(table::write(out, ["convention", "AP", "BWT", "FWT", ""], &rows)?)
}

fn read(args: &MatrixArgs) -> anyhow::Result<TransferMatrix> {
    let path = &args.scores;
    let text = std::fs::read(path).map_err(|source| InputError::Read { path: path.clone(), source })?;
    let Scores { zero_shot, scores } = serde_json::from_slice(&text).with_context(|| {
        format!("{}: expected {{\"zero_shot\": [..], \"scores\": [[..], ..]}}", path.display())
    })?;
    // named from 1, as the errors count cells
    let tasks = (1..=zero_shot.len()).map(|task| task.to_string()).collect();
    let rows = std::iter::once(zero_shot).chain(scores).collect();
    TransferMatrix::from_rows(tasks, rows).with_context(|| path.display().to_string())
}
