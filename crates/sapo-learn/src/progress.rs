//! What a run has done so far, on disk, so that another process goes on where one ended, however it ended.
//!
//! ```text
//! <folder>/run.json                  whose run this is
//! <folder>/<unit>.json               a finished unit of work: what came of it, and the rows that it adds to the record
//! <folder>/training-<task>/state.json   the training that is under way
//! <folder>/training-<task>/step-<n>.safetensors
//! ```
//!
//! Each file is whole or absent. Units are finished in a fixed order, so those that are there are the beginning of the run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sapo_lab::RunRecord;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Checkpoints, LearnError, sealed};

/// Where a run leaves what it makes.
#[derive(Debug, Clone, Copy)]
pub struct Workplace<'a> {
    /// Folder of the adapters and of what else a method keeps.
    pub artifacts: &'a Path,
    /// What is done so far; absent: a run that ends early begins anew.
    pub progress: Option<&'a Progress>,
}

impl<'a> Workplace<'a> {
    /// A run of which nothing but the artifacts is kept before its end.
    pub fn without_progress(artifacts: &'a Path) -> Self {
        Self { artifacts, progress: None }
    }
}

/// What one run has done so far.
#[derive(Debug, Clone)]
pub struct Progress {
    folder: PathBuf,
    every: Duration,
    stop: fn() -> bool,
}

/// A finished unit of work.
#[derive(Serialize, Deserialize)]
pub(crate) struct Unit<T> {
    pub(crate) value: T,
    pub(crate) rows: RunRecord,
}

impl Progress {
    /// How often a training writes its state down where nothing else is said.
    pub const EVERY: Duration = Duration::from_secs(60);

    /// The progress in `folder` of the run that `run` describes: everything that decides what comes of it.
    ///
    /// # Errors
    /// When the folder holds the progress of another run, or cannot be read or written.
    pub fn open(folder: &Path, run: &Value) -> Result<Self, LearnError> {
        let path = folder.join("run.json");
        match sealed::read::<Value>(&path)? {
            Some(found) if found == *run => {}
            Some(_) => return Err(LearnError::AnotherRun { folder: folder.into() }),
            None => sealed::write(&path, run)?,
        }
        Ok(Self { folder: folder.into(), every: Self::EVERY, stop: || false })
    }

    /// A training writes its state down after a step where so much time has passed; zero: after every step.
    #[must_use]
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// The run stops where nothing is lost, with [`LearnError::Interrupted`], as soon as `stop` says so.
    #[must_use]
    pub fn until(self, stop: fn() -> bool) -> Self {
        Self { stop, ..self }
    }

    /// Where the training of a task writes its state down.
    pub(crate) fn checkpoints(&self, step: usize) -> Checkpoints {
        Checkpoints::new(&self.folder.join(format!("training-{step}")), self.every).until(self.stop)
    }

    /// Whether the run has been asked to stop.
    pub(crate) fn stop_is_asked(&self) -> bool {
        (self.stop)()
    }

    /// Whether a unit is finished.
    pub(crate) fn has(&self, unit: &str) -> bool {
        self.file(unit).exists()
    }

    /// What came of a unit, if it is finished.
    pub(crate) fn unit<T: DeserializeOwned>(&self, unit: &str) -> Result<Option<Unit<T>>, LearnError> {
        sealed::read(&self.file(unit))
    }

    /// A unit is finished.
    pub(crate) fn finish<T: Serialize>(&self, unit: &str, done: &Unit<T>) -> Result<(), LearnError> {
        sealed::write(&self.file(unit), done)
    }

    fn file(&self, unit: &str) -> PathBuf {
        self.folder.join(format!("{unit}.json"))
    }
}
