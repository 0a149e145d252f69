//! The 15-task text-classification suite: a folder a task with `labels.json` and up to three splits.
//!
//! The suite has no instructions; those of `benchmark.toml` are ours.

use std::path::{Path, PathBuf};

use sapo_prompts::Instruction;

use super::rows::{Rules, read_json, read_rows};
use super::{Benchmark, ReadError, Split, TaskSpec};
use crate::{Example, Task, TaskKind};

const NAME: &str = "text-classification";

/// A folder of the suite.
#[derive(Debug, Clone)]
pub struct TextClassification {
    dir: PathBuf,
    benchmark: Benchmark,
}

impl TextClassification {
    /// The folder `dir`; nothing is read yet.
    ///
    /// # Errors
    /// `dir` is no folder that can be read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, ReadError> {
        let dir = dir.into();
        std::fs::read_dir(&dir).map_err(|source| ReadError::Io { path: dir.clone(), source })?;
        Ok(Self { dir, benchmark: Benchmark::named(NAME)? })
    }

    /// Source, metric and known gaps.
    pub fn benchmark(&self) -> &Benchmark {
        &self.benchmark
    }

    /// The names of the 15 tasks.
    pub fn task_names(&self) -> impl Iterator<Item = &str> {
        self.benchmark.tasks.iter().map(|spec| spec.name.as_str())
    }

    /// A task with all its rows.
    ///
    /// # Errors
    /// An unknown task, a missing file (with what to do), or a malformed row.
    pub fn task(&self, name: &str) -> Result<Task, ReadError> {
        let mut task = self.described(name)?;
        task.train = self.rows(name, Split::Train)?;
        task.dev = self.rows(name, Split::Dev)?;
        task.test = self.rows(name, Split::Test)?;
        Ok(task)
    }

    /// A task with its training rows alone, for pre-training: some tasks have nothing else.
    ///
    /// # Errors
    /// As [`TextClassification::task`].
    pub fn training_task(&self, name: &str) -> Result<Task, ReadError> {
        let mut task = self.described(name)?;
        task.train = self.rows(name, Split::Train)?;
        Ok(task)
    }

    /// The rows of one split of a task; rows without an agreed answer are left out.
    ///
    /// # Errors
    /// As [`TextClassification::task`].
    pub fn rows(&self, name: &str, split: Split) -> Result<Vec<Example>, ReadError> {
        let spec = self.spec(name)?;
        let path = self.folder(spec).join(split.file_name());
        if !path.exists() {
            return Err(self.benchmark.missing_file(path, name, split));
        }
        let labels = self.labels(spec)?;
        read_rows(&path, &Rules { labels: &labels, no_gold: spec.no_gold.as_deref() })
    }

    /// The task without rows.
    fn described(&self, name: &str) -> Result<Task, ReadError> {
        let spec = self.spec(name)?;
        let instruction = spec.instruction.clone().ok_or_else(|| ReadError::Benchmark {
            name: NAME.into(),
            reason: format!("task `{name}` has no `instruction`"),
        })?;
        Ok(Task {
            name: name.to_owned(),
            kind: TaskKind::Classification,
            language: spec.language,
            instruction: Instruction::new(instruction),
            suffix: spec.suffix.clone(),
            labels: self.labels(spec)?,
            train: Vec::new(),
            dev: Vec::new(),
            test: Vec::new(),
        })
    }

    fn labels(&self, spec: &TaskSpec) -> Result<Vec<String>, ReadError> {
        let path = self.folder(spec).join("labels.json");
        let labels: Vec<String> = read_json(&path)?;
        if labels.is_empty() {
            return Err(ReadError::File { path, reason: "expected at least one label, got none".into() });
        }
        Ok(labels)
    }

    fn folder(&self, spec: &TaskSpec) -> PathBuf {
        self.dir.join(Path::new(spec.path.as_deref().unwrap_or(&spec.name)))
    }

    fn spec(&self, name: &str) -> Result<&TaskSpec, ReadError> {
        self.benchmark.task(name).ok_or_else(|| ReadError::Unknown {
            place: format!("benchmark `{NAME}`"),
            kind: "task",
            name: name.into(),
            known: self.task_names().collect::<Vec<_>>().join(", "),
        })
    }
}
