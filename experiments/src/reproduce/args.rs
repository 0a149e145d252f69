use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;

use crate::settings::SCALES;

/// Runs all experiments, and writes what they found into the documentation and the notebooks.
///
/// Finished cells are kept: the same command goes on where it was stopped.
#[derive(Debug, Clone, Parser)]
#[command(name = "reproduce", version)]
pub struct Args {
    /// Size of the experiments
    #[arg(long, default_value = "nano", value_name = "NAME", value_parser = SCALES)]
    pub scale: String,
    /// Fewer seeds, as configs/reproduce.toml says; tables are marked QUICK, docs/figures stays as it is
    #[arg(long)]
    pub quick: bool,
    /// Only these experiments, by name and separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Option<Vec<String>>,
    /// Cells computed at a time [default: as many as fit, decided by each experiment]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Folder that holds the benchmarks' folders superni and trace; without it what needs it is skipped, and fails where
    /// --only names it
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Device to compute on: cpu, cuda, cuda:1, mps [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Folder of the runs of all experiments
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub out: PathBuf,
    /// Checkout whose README.md, docs and notebooks-export are written [default: this one]
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Compute nothing: write documentation and notebooks from what was reproduced before
    #[arg(long, conflicts_with = "dry_run")]
    pub docs_only: bool,
    /// Print how many cells there are and what they will cost, and compute nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_jobs_at_all_are_refused() {
        let parsed = |jobs: &str| Args::try_parse_from(["reproduce", "--jobs", jobs]);
        assert_eq!(parsed("2").unwrap().jobs.map(NonZeroUsize::get), Some(2));
        assert!(parsed("0").is_err());
    }
}
