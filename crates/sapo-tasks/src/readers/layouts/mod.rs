//! How a benchmark may lie on disk: one file a layout, one line here.

mod examples_jsonl;
mod ni_tasks;
pub(crate) mod own;
pub(crate) mod paper;
mod suite;
mod trace_release;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Benchmark, ReadError, Rows, Split};
use crate::{Instruction, Task, TaskKind};

/// A folder of tasks, opened; rows are read when they are asked for.
pub(crate) trait Layout: Debug + Send + Sync {
    /// The tasks that the folder names or holds.
    fn task_names(&self) -> Vec<String>;

    /// A task without its rows.
    fn describe(&self, task: &str) -> Result<Task, ReadError>;

    /// Where the rows of a split are, there or not.
    fn file(&self, task: &str, split: Split) -> PathBuf;

    /// The rows of a split; none where the layout can do without it and it is not there.
    fn rows(&self, task: &str, split: Split) -> Result<Option<Rows>, ReadError>;
}

/// The known layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayoutName {
    /// `instructions.json`, and `<task>/train.json`, `dev.json`, `test.json`: as the paper keeps SuperNI and TRACE.
    Paper,
    /// `task*.json` with all instances of a task, or `tasks/task*.json`: as Super-NaturalInstructions is published.
    NiTasks,
    /// `<task>/train.json`, `eval.json`, `test.json` of `prompt` and `answer`: as TRACE is published.
    TraceRelease,
    /// `<path>/labels.json`, `train.json`, `dev.json`, `test.json`: as O-LoRA ships the text-classification suite.
    Suite,
    /// `tasks.json` and `examples.jsonl`: tasks for pre-training.
    ExamplesJsonl,
    /// `<task>/task.toml`, `train.jsonl`, and where they are wanted `dev.jsonl`, `test.jsonl` and `streams.toml`.
    Own,
}

impl LayoutName {
    /// The name in `benchmark.toml` and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::NiTasks => "ni-tasks",
            Self::TraceRelease => "trace-release",
            Self::Suite => "suite",
            Self::ExamplesJsonl => "examples-jsonl",
            Self::Own => "own",
        }
    }

    /// Whether the files of `dir` look like this layout of `benchmark`.
    pub(super) fn fits(self, dir: &Path, benchmark: &Benchmark) -> bool {
        match self {
            Self::Paper => dir.join(paper::INSTRUCTIONS).is_file(),
            Self::NiTasks => ni_tasks::NiTasks::folder(dir).is_some(),
            Self::TraceRelease => trace_release::fits(dir, benchmark),
            Self::Suite => suite::fits(dir, benchmark),
            Self::ExamplesJsonl => dir.join("tasks.json").is_file() || dir.join("examples.jsonl").is_file(),
            Self::Own => own::fits(dir),
        }
    }

    /// A file that every folder of this layout has; it is named where there is none.
    pub(super) fn landmark(self, benchmark: &Benchmark) -> String {
        match self {
            Self::Paper => paper::INSTRUCTIONS.into(),
            Self::NiTasks => "tasks".into(),
            Self::TraceRelease => format!("{}/eval.json", first_path(benchmark)),
            Self::Suite => format!("{}/labels.json", first_path(benchmark)),
            Self::ExamplesJsonl => "tasks.json".into(),
            Self::Own => format!("<task>/{}", own::TASK),
        }
    }

    pub(super) fn open(self, dir: &Path, benchmark: &Benchmark) -> Result<Arc<dyn Layout>, ReadError> {
        Ok(match self {
            Self::Paper => Arc::new(paper::Paper::open(dir, benchmark)?),
            Self::NiTasks => Arc::new(ni_tasks::NiTasks::open(dir, benchmark)?),
            Self::TraceRelease => Arc::new(trace_release::TraceRelease::open(dir, benchmark)),
            Self::Suite => Arc::new(suite::Suite::open(dir, benchmark)),
            Self::ExamplesJsonl => Arc::new(examples_jsonl::ExamplesJsonl::open(dir)?),
            Self::Own => Arc::new(own::Own::open(dir)?),
        })
    }
}

fn first_path(benchmark: &Benchmark) -> &str {
    benchmark.tasks.first().map_or("<task>", super::TaskSpec::path)
}

/// A task without rows; classification where it has labels.
fn without_rows(
    name: &str,
    instruction: String,
    suffix: Option<String>,
    labels: Vec<String>,
    language: crate::Language,
) -> Task {
    Task {
        name: name.to_owned(),
        kind: if labels.is_empty() { TaskKind::Generation } else { TaskKind::Classification },
        language,
        instruction: Instruction::new(instruction),
        suffix: suffix.filter(|suffix| !suffix.is_empty()),
        labels,
        native_metric: None,
        train: Vec::new(),
        dev: Vec::new(),
        test: Vec::new(),
    }
}

/// A task that a folder does not have.
fn unknown(place: impl Into<String>, name: &str, known: &[String]) -> ReadError {
    ReadError::Unknown { place: place.into(), kind: "task", name: name.into(), known: known.join(", ") }
}
