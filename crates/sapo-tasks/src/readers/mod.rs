//! Datasets on disk. A [`Dataset`] is a folder of a benchmark; it knows by its files in which layout it is (one file a
//! layout under `layouts/`). Every row is checked and becomes part of a [`Task`](crate::Task), or an error that names the
//! file, the row and what was expected there.
//!
//! What a benchmark is (source, sequences, metric, known gaps, checksums, downloads) stands in
//! `data/benchmarks/<name>/benchmark.toml`, which is compiled in; the rows are other people's and are read from a folder
//! of the user's.

mod benchmark;
mod dataset;
mod error;
mod jsonl;
pub(crate) mod layouts;
mod natural_instructions;
mod rows;

use serde::{Deserialize, Serialize};

pub use benchmark::{Benchmark, Download, Missing, Sequence, TaskSpec, benchmarks};
pub use dataset::Dataset;
pub use error::ReadError;
pub use jsonl::{json_lines, read_jsonl, rows_of_jsonl, task_from_jsonl};
pub use layouts::LayoutName;
pub use natural_instructions::{NaturalInstructions, NaturalTask};
pub use rows::{Fault, Rows};

/// A part of a task's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Rows to train on.
    Train,
    /// Rows for choosing settings.
    Dev,
    /// Rows that are scored.
    Test,
}

impl Split {
    /// All of them, in the order of a task's life.
    pub const ALL: [Self; 3] = [Self::Train, Self::Dev, Self::Test];

    /// `train`, `dev` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// Where training rows come from when a task has no training file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum TrainFrom {
    /// From the training file alone; a task without it is an error.
    #[default]
    #[serde(rename = "train")]
    Train,
    /// From the dev file where the training file is missing; such a task then has no dev rows, because settings must not
    /// be chosen on rows that were trained on.
    #[serde(rename = "dev")]
    DevWhereMissing,
}
