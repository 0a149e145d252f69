use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use sapo_lab::StoredRun;
use sapo_lab::runs::find;
use sapo_metrics::Metric;
use serde_json::json;

use super::Root;
use crate::table::{matrix_lines, wording_lines};

/// Show one stored run: settings, what made it, R, the chosen wordings, where the time went
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The beginning of a cell's name, EXPERIMENT/CELL, or its folder
    #[arg(value_name = "CELL")]
    cell: String,
    #[command(flatten)]
    root: Root,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The metric of the transfer matrix, as the paper's.
const METRIC: &str = Metric::RougeL.name();

pub(super) fn run(args: &ShowArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let (store, id) = find(&args.root.runs, &args.cell)?;
    let run = store.load(&id)?;
    if args.json {
        let chosen: Vec<_> = run.record.chosen().collect();
        let object = json!({"experiment": store.experiment(), "cell": id, "folder": run.folder,
            "settings": run.cell.config(), "provenance": run.provenance, "scores": run.record.scores, "chosen": chosen,
            "usage": run.record.usage});
        return Ok(writeln!(out, "{object}")?);
    }
    let origin = &run.provenance;
    let (code, machine) = (&origin.code, &origin.machine);
    let dirty = if code.dirty == Some(true) { ", changed since" } else { "" };
    writeln!(out, "{}/{id}  {}", store.experiment(), run.cell.label())?;
    if run.limited() {
        writeln!(out, "limited: made with fewer examples than the experiment says")?;
    }
    writeln!(out, "{}\n", run.folder.display())?;
    writeln!(out, "finished  {} after {:.1} s", origin.finished, origin.wall_seconds)?;
    let commit = code.commit.as_deref().unwrap_or("unknown");
    writeln!(out, "program   {} at commit {commit}{dirty}, {}", code.version, code.rustc)?;
    let cpu = machine.cpu.as_deref().unwrap_or("unknown processor");
    writeln!(out, "machine   {cpu}, {} cores, {}", machine.cores, machine.os)?;
    for (name, value) in &origin.notes {
        writeln!(out, "          {name}: {value}")?;
    }
    if let Ok(matrix) = run.record.matrix(METRIC) {
        writeln!(out, "\n{}", matrix_lines(&matrix)?)?;
    }
    write!(out, "\n{}", wording_lines(&run.record))?;
    usage(&run, out)?;
    Ok(writeln!(out, "\n{}", serde_json::to_string_pretty(run.cell.config())?)?)
}

fn usage(run: &StoredRun, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut phases: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
    for usage in &run.record.usage {
        let sum = phases.entry(&usage.phase).or_default();
        *sum = (sum.0 + usage.seconds, sum.1 + usage.forward_tokens);
    }
    writeln!(out)?;
    for (phase, (seconds, tokens)) in phases {
        writeln!(out, "{phase:<12}  {seconds:>9.1} s  {tokens:>12} tokens")?;
    }
    Ok(())
}
