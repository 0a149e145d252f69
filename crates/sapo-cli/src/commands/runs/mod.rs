//! `sapo runs`: what is stored, of whichever experiment.

mod check;
mod diff;
mod gc;
mod list;
mod show;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use sapo_lab::Store;
use sapo_lab::runs::experiments;

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Check(check::CheckArgs),
    Gc(gc::GcArgs),
}

impl RunsCommand {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::List(args) => list::run(args, out),
            Self::Show(args) => show::run(args, out),
            Self::Diff(args) => diff::run(args, out),
            Self::Check(args) => check::run(args, out),
            Self::Gc(args) => gc::run(args, out),
        }
    }
}

/// Where runs lie.
#[derive(Debug, Args)]
struct Root {
    /// Folder of all runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
}

impl Root {
    /// The experiment of this name, or all.
    fn stores(&self, experiment: Option<&str>) -> anyhow::Result<Vec<Store>> {
        let stores = experiments(&self.runs)?;
        let Some(name) = experiment else { return Ok(stores) };
        let names: Vec<String> = stores.iter().map(|store| store.experiment().to_string()).collect();
        let chosen: Vec<Store> = stores.into_iter().filter(|store| store.experiment() == name).collect();
        anyhow::ensure!(
            !chosen.is_empty(),
            "no runs of {name} in {}; there are {}",
            self.runs.display(),
            if names.is_empty() { "none".to_string() } else { names.join(", ") }
        );
        Ok(chosen)
    }
}

/// `1.2 GB`, in steps of 1000.
fn bytes(count: u64) -> String {
    let mut size = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1000.0 {
            let digits = usize::from(unit != "B" && size < 10.0);
            return format!("{size:.digits$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_readable() {
        let shown = [0, 999, 1000, 25_300, 7_200_000_000].map(super::bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "25 kB", "7.2 GB"]);
    }
}
