//! What computes the cells that a store lacks: processes of this machine, or a cluster under Slurm.
//!
//! An engine takes cells and sees to it that workers compute them; the workers lock, write and commit the cells
//! themselves (see [`crate::worker`]). The store is the only judge of what is finished: an engine believes neither a
//! worker's word nor Slurm's. What an engine sees it tells an [`Observer`], so that people see the same whichever it is.

mod audience;
mod jobs;
mod local;
mod process;
pub mod slurm;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cell::CellSpec;
use crate::store::{Store, StoreError};
use crate::told::Told;

pub use audience::Audience;
pub use jobs::{default_jobs, free_memory};
pub use local::{LocalEngine, this_program};
pub use slurm::SlurmEngine;

/// How much of a failed worker's log is shown.
const TAIL_LINES: usize = 15;

/// Something that computes cells.
pub trait Engine {
    /// Computes the cells that are not stored, in order, and waits for those that other processes compute.
    ///
    /// # Errors
    /// [`EngineError`] where nothing can be computed at all; cells that could not be are part of the [`Outcome`].
    fn run(&self, cells: Vec<CellSpec>, observer: &mut dyn Observer) -> Result<Outcome, EngineError>;
}

/// Who is told what becomes of the cells.
pub trait Observer {
    /// A worker has the cell.
    fn started(&mut self, cell: &CellSpec);
    /// How far it is.
    fn progress(&mut self, cell: &CellSpec, told: &Told);
    /// The cell is stored, by a worker of the engine or by another process.
    fn finished(&mut self, cell: &CellSpec);
    /// The cell could not be computed.
    fn failed(&mut self, cell: &CellSpec, reason: &str);
    /// The worker has ended without the cell, which goes back to those that wait.
    fn postponed(&mut self, cell: &CellSpec, why: &str);
    /// What the engine waits for; said again and again while it lasts.
    fn waiting(&mut self, text: &str);
    /// Called often.
    fn tick(&mut self);
}

/// What became of the cells; those not named are stored.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Cells that could not be computed.
    pub failures: Vec<Failure>,
    /// How it ended.
    pub ending: Ending,
}

/// How an engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// Nothing is left to be done.
    #[default]
    Done,
    /// It was told to stop, and its workers are gone.
    Interrupted,
    /// It was told to go away, and so many cells are being computed without it.
    Detached {
        /// Cells that wait or are computed.
        cells: usize,
    },
}

/// A cell that could not be computed.
#[derive(Debug)]
pub struct Failure {
    /// The cell.
    pub cell: CellSpec,
    /// Why.
    pub reason: String,
    /// What its worker printed.
    pub log: PathBuf,
    /// The last lines of that.
    pub tail: String,
}

impl Failure {
    fn new(store: &Store, cell: CellSpec, reason: String) -> Self {
        let log = store.log(&cell.id());
        let tail = tail(&log);
        Self { cell, reason, log, tail }
    }
}

/// Why an engine cannot work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Slurm.
    #[error(transparent)]
    Slurm(#[from] slurm::SlurmError),
}

fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
