use std::io::{BufRead, IsTerminal, Write, stderr, stdin};

use anyhow::bail;
use clap::Args;
use sapo_lab::Store;
use sapo_lab::runs::{Garbage, garbage};
use serde_json::json;

use super::{Root, bytes};

/// Remove what nobody needs, after asking
///
/// Progress of runs that were begun and that no process computes now; what a process that died left otherwise; folders
/// that are no cells; logs of cells that are not there. Stored cells, tables and plots stay.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Name of an experiment [default: all]
    #[arg(value_name = "EXPERIMENT")]
    experiment: Option<String>,
    #[command(flatten)]
    root: Root,
    /// Remove it without asking
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print JSON Lines: one object a file or folder, the summary last
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &GcArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut found: Vec<(Store, Garbage)> = Vec::new();
    for store in args.root.stores(args.experiment.as_deref())? {
        found.extend(garbage(&store)?.into_iter().map(|garbage| (store.clone(), garbage)));
    }
    let total: u64 = found.iter().map(|(_, garbage)| garbage.bytes).sum();
    for (_, garbage) in &found {
        let (path, why) = (garbage.path.display(), garbage.why);
        if args.json {
            writeln!(out, "{}", json!({"path": garbage.path, "why": why, "bytes": garbage.bytes}))?;
        } else {
            writeln!(out, "{path}: {why} ({})", bytes(garbage.bytes))?;
        }
    }
    out.flush()?;
    let remove = !found.is_empty() && !args.dry_run && (args.yes || agreed(found.len(), total)?);
    if remove {
        found.iter().try_for_each(|(store, garbage)| garbage.remove(store))?;
    }
    let (count, verb) = (found.len(), if remove { "removed" } else { "found" });
    if args.json {
        let summary = json!({"found": count, "bytes": total, "removed": if remove { count } else { 0 }});
        return Ok(writeln!(out, "{}", json!({"summary": summary}))?);
    }
    Ok(writeln!(out, "{verb} {count}, {}", bytes(total))?)
}

/// Asks the person at the terminal.
fn agreed(count: usize, total: u64) -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        bail!("nobody is here to ask: --yes removes, --dry-run only looks");
    }
    eprint!("remove {count}, {}? [y/N] ", bytes(total));
    stderr().flush()?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
