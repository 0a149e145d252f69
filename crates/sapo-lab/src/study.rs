//! What an experiment has to say for itself; everything else is [`crate::drive`].

use std::path::PathBuf;

use serde_json::Value;

use crate::args::ExperimentArgs;
use crate::cell::CellSpec;
use crate::record::RunRecord;
use crate::store::StoredRun;
use crate::worker::CellContext;

/// An experiment: a grid of cells, how to compute one, and what to show of all.
///
/// Errors are `anyhow`'s: the lab only prints them.
pub trait Study {
    /// Name of the experiment and of its folder of runs.
    fn name(&self) -> &str;

    /// The question it answers, in one line.
    fn question(&self) -> &str;

    /// The cells with their resolved configurations, in the order in which to compute them.
    ///
    /// # Errors
    /// Where the arguments fit no grid of this experiment.
    fn cells(&self, args: &ExperimentArgs) -> anyhow::Result<Vec<CellSpec>>;

    /// Whether the configuration of a cell says all of what is computed, so that a cell of the same name that another
    /// experiment has stored is this very cell, and is taken over instead of being computed again. Not by default.
    fn shares_cells(&self) -> bool {
        false
    }

    /// Bytes of memory that a cell is expected to take, by which the local engine decides how many run at a time until
    /// cells of the grid are stored and tell. Nothing by default: only the cores count then.
    fn cell_memory(&self, _args: &ExperimentArgs) -> Option<u64> {
        None
    }

    /// Computes one cell, in a process of its own, from its configuration and [`CellContext::local`] alone.
    ///
    /// # Errors
    /// Whatever stops the computation; the cell is then absent.
    fn run_cell(&self, config: &Value, context: &CellContext) -> anyhow::Result<RunRecord>;

    /// Makes tables and plots from stored runs and returns the final screen.
    ///
    /// The runs are those of the grid that are stored, in the order of the grid; [`ReportContext::complete`] tells
    /// whether they are all. Tables and plots of an earlier report are gone from the folders.
    ///
    /// # Errors
    /// Whatever stops the report; the cells stay.
    fn report(&self, runs: &[StoredRun], context: &ReportContext<'_>) -> anyhow::Result<String>;
}

/// What a study may use while it reports.
#[derive(Debug, Clone)]
pub struct ReportContext<'a> {
    /// The arguments of the command line.
    pub args: &'a ExperimentArgs,
    /// Number of cells of the grid.
    pub cells: usize,
    /// Number of runs that are reported.
    pub stored: usize,
    pub(crate) folder: PathBuf,
}

impl ReportContext<'_> {
    /// Where tables go; the folder exists.
    #[must_use]
    pub fn tables_dir(&self) -> PathBuf {
        self.folder.join("tables")
    }

    /// Where plots go; the folder exists.
    #[must_use]
    pub fn plots_dir(&self) -> PathBuf {
        self.folder.join("plots")
    }

    /// The experiment's folder of runs.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Whether every cell of the grid is reported.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.stored == self.cells
    }
}
