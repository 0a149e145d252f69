//! The TRACE tasks and sequence of the paper.

use std::path::Path;

use super::paper_layout::PaperLayout;
use super::{Benchmark, ReadError, Split, TrainFrom};
use crate::{Example, Instruction, Task, TaskStream};

/// A folder of TRACE tasks in the paper's layout.
#[derive(Debug, Clone)]
pub struct Trace(PaperLayout);

impl Trace {
    /// The folder `dir`; reads `instructions.json` and no rows yet.
    ///
    /// # Errors
    /// `instructions.json` is missing or is not as the layout has it.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, ReadError> {
        PaperLayout::open(dir.as_ref(), "trace").map(Self)
    }

    /// Where training rows come from when a task has no `train.json`; without this call, nowhere.
    pub fn with_train_from(self, train_from: TrainFrom) -> Self {
        Self(self.0.with_train_from(train_from))
    }

    /// Sequences, metric and known gaps.
    pub fn benchmark(&self) -> &Benchmark {
        self.0.benchmark()
    }

    /// The tasks that `instructions.json` names, sorted.
    pub fn task_names(&self) -> impl Iterator<Item = &str> {
        self.0.task_names()
    }

    /// The instruction of a task, without reading its rows.
    ///
    /// # Errors
    /// An unknown task.
    pub fn instruction(&self, name: &str) -> Result<Instruction, ReadError> {
        self.0.instruction(name)
    }

    /// A task with all its rows; classification where it has labels.
    ///
    /// # Errors
    /// An unknown task, a missing split file (with what to do), or a malformed row.
    pub fn task(&self, name: &str) -> Result<Task, ReadError> {
        self.0.task(name)
    }

    /// The rows of one split of a task, for a task whose other splits may be missing.
    ///
    /// # Errors
    /// As [`Trace::task`].
    pub fn rows(&self, name: &str, split: Split) -> Result<Vec<Example>, ReadError> {
        self.0.rows(name, split)
    }

    /// A sequence of the paper: `trace`.
    ///
    /// # Errors
    /// An unknown sequence, or one of its tasks cannot be read.
    pub fn stream(&self, name: &str) -> Result<TaskStream, ReadError> {
        self.0.stream(name)
    }

    /// A sequence of your own.
    ///
    /// # Errors
    /// No task at all, or one that cannot be read.
    pub fn stream_of<S: AsRef<str>>(&self, name: &str, tasks: &[S]) -> Result<TaskStream, ReadError> {
        self.0.stream_of(name, tasks)
    }
}
