use std::io::Write;

use clap::Args;
use sapo_lab::runs::check;
use serde_json::json;

use super::Root;
use crate::failure::InputError;
use crate::progress::Progress;

/// Read every stored cell and every checksum, and name all that is damaged
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Name of an experiment [default: all]
    #[arg(value_name = "EXPERIMENT")]
    experiment: Option<String>,
    #[command(flatten)]
    root: Root,
    /// Print JSON Lines: one object a problem, the summary last
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let stores = args.root.stores(args.experiment.as_deref())?;
    let (mut good, mut bad) = (0, 0);
    for store in &stores {
        let mut progress = Progress::of(store.stored()?.len(), "check");
        let (undamaged, findings) = check(store, &mut |_| progress.add(1))?;
        drop(progress);
        good += undamaged;
        bad += findings.len();
        for finding in &findings {
            if args.json {
                let (cell, path) = (finding.cell.as_ref(), &finding.path);
                let object = json!({"experiment": store.experiment(), "cell": cell, "path": path, "problem": finding.problem});
                writeln!(out, "{object}")?;
            } else {
                writeln!(out, "{}", finding.problem)?;
            }
        }
    }
    let experiments = stores.len();
    if args.json {
        writeln!(out, "{}", json!({"summary": {"experiments": experiments, "good": good, "bad": bad}}))?;
    } else {
        writeln!(out, "experiments {experiments}, good cells {good}, bad cells {bad}")?;
    }
    out.flush()?; // the findings before the verdict, where both go to one terminal
    if bad > 0 {
        let cells = if bad == 1 { "cell is" } else { "cells are" };
        return Err(InputError::ProblemsFound(format!("{bad} {cells} damaged")).into());
    }
    Ok(())
}
