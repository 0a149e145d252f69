use std::io::Write;

use clap::Args;
use sapo_lab::StoredRun;
use sapo_lab::runs::{Difference, diff, find};
use serde_json::{Value, json};

use super::Root;
use crate::table::one_line;

/// Show what differs between two stored runs: settings, versions and machines, wordings chosen, scores
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The beginning of a cell's name, EXPERIMENT/CELL, or its folder
    #[arg(value_name = "A")]
    a: String,
    /// Another
    #[arg(value_name = "B")]
    b: String,
    #[command(flatten)]
    root: Root,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DiffArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let load = |name: &str| -> anyhow::Result<StoredRun> {
        let (store, id) = find(&args.root.runs, name)?;
        Ok(store.load(&id)?)
    };
    let (a, b) = (load(&args.a)?, load(&args.b)?);
    let found = diff(&a, &b);
    let kinds = [
        ("settings", &found.settings),
        ("provenance", &found.provenance),
        ("prompts", &found.prompts),
        ("scores", &found.scores),
    ];
    if args.json {
        let list = |differences: &[Difference]| -> Vec<Value> {
            differences.iter().map(|d| json!({"what": d.what, "a": d.a, "b": d.b})).collect()
        };
        let mut object: serde_json::Map<String, Value> =
            kinds.iter().map(|(kind, differences)| ((*kind).to_string(), list(differences).into())).collect();
        let (differing, common) = found.training;
        object.insert("training".into(), json!({"differing_steps": differing, "common_steps": common}));
        return Ok(writeln!(out, "{}", Value::Object(object))?);
    }
    if found.is_empty() {
        return Ok(writeln!(out, "the same, but for times")?);
    }
    for (kind, differences) in kinds {
        for Difference { what, a, b } in differences {
            writeln!(out, "{kind:<10}  {what}: {} -> {}", show(a.as_ref()), show(b.as_ref()))?;
        }
    }
    let (differing, common) = found.training;
    if differing > 0 {
        writeln!(out, "training    {differing} of {common} steps have another loss")?;
    }
    Ok(())
}

fn show(value: Option<&Value>) -> String {
    match value {
        None => "nothing".into(),
        Some(Value::String(text)) => format!("\"{}\"", one_line(text, 60)),
        Some(Value::Number(number)) if number.is_f64() => number.as_f64().map_or_else(
            || number.to_string(),
            |float| format!("{float:.6}").trim_end_matches('0').trim_end_matches('.').to_string(),
        ),
        Some(other) => other.to_string(),
    }
}
