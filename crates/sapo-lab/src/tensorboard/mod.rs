//! Curves of training and scores for TensorBoard: a folder a cell below `tensorboard/` in the experiment's folder.
//!
//! While a cell is computed its file grows with what is told of it, which is a sample of its steps. When the cell is
//! stored, one file with all steps, made from the stored rows, takes the place of those.

mod event_file;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sapo_files::whole;

use crate::cell::{CellId, CellSpec};
use crate::engine::Observer;
use crate::store::{Store, StoreError, StoredRun};
use crate::told::{Told, TrainingNow};

use event_file::Events;

/// Ends the names of files that grow.
const LIVE: &str = ".live";
/// Ends the names of files of stored cells.
const STORED: &str = ".stored";

/// Writes event files of the cells of one experiment.
#[derive(Debug)]
pub struct TensorBoard {
    store: Store,
    live: HashMap<CellId, File>,
}

/// Why there is no event file.
#[derive(Debug, thiserror::Error)]
pub enum TensorBoardError {
    /// The file system refused.
    #[error("cannot write the event file {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The cell cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TensorBoard {
    /// For the cells of a store; nothing is written yet.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), live: HashMap::new() }
    }

    /// The folder to give to `tensorboard --logdir`.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.store.folder().join("tensorboard")
    }

    /// The folder of one cell, which TensorBoard shows as a run of this name: its axes, and enough of its id to tell it
    /// from a cell with the same axes.
    #[must_use]
    pub fn folder_of(&self, cell: &CellSpec) -> PathBuf {
        let axes = cell.label().replace('/', "_").replace(' ', ",");
        self.folder().join(format!("{axes}-{}", &cell.id().as_str()[..8]))
    }

    /// Writes the file of a stored cell, unless it is there.
    ///
    /// # Errors
    /// [`TensorBoardError::Io`].
    pub fn write(&self, run: &StoredRun) -> Result<(), TensorBoardError> {
        let folder = self.folder_of(&run.cell);
        let finished = humantime::parse_rfc3339(&run.provenance.finished).unwrap_or(UNIX_EPOCH);
        let path = folder.join(file_name(finished, STORED));
        if path.exists() {
            return Ok(());
        }
        let earlier = event_files(&folder);
        let failed = |source| TensorBoardError::Io { path: path.clone(), source };
        whole::write(&path, &events_of(run, seconds(finished)).bytes).map_err(failed)?;
        for path in earlier {
            fs::remove_file(&path).map_err(|source| TensorBoardError::Io { path, source })?;
        }
        Ok(())
    }

    fn tell(&mut self, cell: &CellSpec, now: &TrainingNow) -> io::Result<()> {
        let file = match self.live.get_mut(&cell.id()) {
            Some(file) => file,
            None => {
                let folder = self.folder_of(cell);
                fs::create_dir_all(&folder)?;
                let mut file = File::create(folder.join(file_name(SystemTime::now(), LIVE)))?;
                file.write_all(&Events::begin(seconds(SystemTime::now())).bytes)?;
                self.live.entry(cell.id()).or_insert(file)
            }
        };
        let mut events = Events::default();
        let wall_time = seconds(SystemTime::now());
        for (tag, value) in curves(now.loss, now.term, now.learning_rate) {
            events.scalar(wall_time, now.run_step, tag, value);
        }
        file.write_all(&events.bytes)
    }
}

impl Observer for TensorBoard {
    fn started(&mut self, _cell: &CellSpec) {}

    fn progress(&mut self, cell: &CellSpec, told: &Told) {
        // Steps of an earlier process are in the file that it left.
        let own = told.training.filter(|now| now.tokens_per_second.is_some());
        if let Some(now) = own
            && let Err(error) = self.tell(cell, &now)
        {
            tracing::warn!("no live curves of {}: {error}", cell.label());
        }
    }

    fn finished(&mut self, cell: &CellSpec) {
        self.live.remove(&cell.id());
        let written = self.store.load(&cell.id()).map_err(TensorBoardError::from);
        if let Err(error) = written.and_then(|run| self.write(&run)) {
            tracing::warn!("{error}");
        }
    }

    fn failed(&mut self, cell: &CellSpec, _reason: &str) {
        self.live.remove(&cell.id());
    }

    fn postponed(&mut self, cell: &CellSpec, _why: &str) {
        self.live.remove(&cell.id());
    }

    fn waiting(&mut self, _text: &str) {}

    fn tick(&mut self) {}
}

/// Every optimiser step, numbered through all tasks, and every score by the number of tasks learnt. When a step was taken
/// is not stored: all events have the time of the cell's end.
fn events_of(run: &StoredRun, wall_time: f64) -> Events {
    let mut events = Events::begin(wall_time);
    events.start_anew(wall_time);
    for (row, step) in run.record.training.iter().zip(1..) {
        for (tag, value) in curves(row.loss, row.term.unwrap_or(0.0), row.learning_rate) {
            events.scalar(wall_time, step, tag, value);
        }
    }
    for score in &run.record.scores {
        let tag = format!("{}/{} {}", score.metric, score.task, score.task_name);
        events.scalar(wall_time, u64::from(score.step), &tag, score.value);
    }
    events
}

fn curves(loss: f64, term: f64, learning_rate: f64) -> [(&'static str, f64); 3] {
    [("training/loss", loss), ("training/term", term), ("training/learning_rate", learning_rate)]
}

fn file_name(time: SystemTime, ending: &str) -> String {
    format!("events.out.tfevents.{:010}{ending}", seconds(time) as u64)
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The files that were written here before.
fn event_files(folder: &Path) -> Vec<PathBuf> {
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("events.out.tfevents.") && (name.ends_with(LIVE) || name.ends_with(STORED))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(ours).collect()
}
