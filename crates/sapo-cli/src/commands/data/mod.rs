mod check;
mod get;

use std::io::Write;

use clap::Subcommand;
use sapo_tasks::check::TaskRows;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    Check(check::CheckArgs),
    Get(get::GetArgs),
}

impl DataCommand {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::Check(args) => check::run(args, out),
            Self::Get(args) => get::run(args, out),
        }
    }
}

/// One line about a task: its rows by split, none where a split is not there.
fn tell_task(task: &TaskRows, as_json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let [train, dev, test] = task.rows;
    if as_json {
        return writeln!(out, "{}", json!({"task": task.name, "train": train, "dev": dev, "test": test}));
    }
    let shown = task.rows.map(|rows| rows.map_or("-".into(), |rows| rows.to_string()));
    writeln!(out, "{}: train {}, dev {}, test {}", task.name, shown[0], shown[1], shown[2])
}
