//! Datasets on disk: one file per layout. A reader checks every row and gives a [`Task`](crate::Task), or an error that
//! names the file, the row and what was expected there.
//!
//! What a benchmark is (source, sequences, metric, known gaps) stands in `data/benchmarks/<name>/benchmark.toml`, which
//! is compiled in; the rows are other people's and are read from a folder of the user's.

mod benchmark;
mod error;
mod jsonl;
mod natural_instructions;
mod paper_layout;
mod rows;
mod superni;
mod text_classification;
mod trace;

use serde::{Deserialize, Serialize};

pub use benchmark::{Benchmark, Missing, Sequence, TaskSpec, benchmarks};
pub use error::ReadError;
pub use jsonl::{read_jsonl, task_from_jsonl};
pub use natural_instructions::{NaturalInstructions, NaturalTask};
pub use superni::SuperNi;
pub use text_classification::TextClassification;
pub use trace::Trace;

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
    /// `train.json`, `dev.json` or `test.json`.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Train => "train.json",
            Self::Dev => "dev.json",
            Self::Test => "test.json",
        }
    }
}

/// Where training rows come from when a task has no `train.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum TrainFrom {
    /// From `train.json` alone; a task without it is an error.
    #[default]
    #[serde(rename = "train")]
    Train,
    /// From `dev.json` where `train.json` is missing; such a task then has no dev rows, because settings must not be
    /// chosen on rows that were trained on.
    #[serde(rename = "dev")]
    DevWhereMissing,
}
