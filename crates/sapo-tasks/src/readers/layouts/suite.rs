//! The 15-task text-classification suite: a folder a task with `labels.json` and up to three splits.
//!
//! The suite has no instructions; those of `benchmark.toml` are ours.

use std::path::{Path, PathBuf};

use super::super::rows::{Rules, read_json, read_sentences};
use super::super::{Benchmark, ReadError, Rows, Split, TaskSpec};
use super::{Layout, unknown, without_rows};
use crate::Task;

/// The file of a task's labels.
const LABELS: &str = "labels.json";

#[derive(Debug)]
pub(super) struct Suite {
    dir: PathBuf,
    benchmark: Benchmark,
}

/// Whether any task's folder has labels.
pub(super) fn fits(dir: &Path, benchmark: &Benchmark) -> bool {
    benchmark.tasks.iter().any(|spec| dir.join(spec.path()).join(LABELS).is_file())
}

impl Suite {
    pub(super) fn open(dir: &Path, benchmark: &Benchmark) -> Self {
        Self { dir: dir.into(), benchmark: benchmark.clone() }
    }

    fn labels(&self, spec: &TaskSpec) -> Result<Vec<String>, ReadError> {
        let path = self.dir.join(spec.path()).join(LABELS);
        if !path.exists() {
            let what = format!("it holds the answers of task `{}`", spec.name);
            let advice = format!("write {} to it, one JSON list", serde_json::json!(spec.labels));
            return Err(ReadError::Missing { path, what, advice });
        }
        let labels: Vec<String> = read_json(&path)?;
        if labels.is_empty() {
            return Err(ReadError::File { path, reason: "expected at least one label, got none".into() });
        }
        Ok(labels)
    }

    fn spec(&self, name: &str) -> Result<&TaskSpec, ReadError> {
        self.benchmark
            .task(name)
            .ok_or_else(|| unknown(format!("benchmark `{}`", self.benchmark.name), name, &self.task_names()))
    }
}

impl Layout for Suite {
    fn task_names(&self) -> Vec<String> {
        self.benchmark.tasks.iter().map(|spec| spec.name.clone()).collect()
    }

    fn describe(&self, task: &str) -> Result<Task, ReadError> {
        let spec = self.spec(task)?;
        let instruction = self.benchmark.instruction_of(spec)?;
        Ok(without_rows(task, instruction, spec.suffix.clone(), self.labels(spec)?, spec.language))
    }

    fn file(&self, task: &str, split: Split) -> PathBuf {
        let folder = self.benchmark.task(task).map_or(task, TaskSpec::path);
        self.dir.join(folder).join(format!("{}.json", split.name()))
    }

    /// Rows without an agreed answer are left out.
    fn rows(&self, task: &str, split: Split) -> Result<Option<Rows>, ReadError> {
        let spec = self.spec(task)?;
        let path = self.file(task, split);
        if !path.exists() {
            return Err(self.benchmark.missing_file(path, task, split));
        }
        let labels = self.labels(spec)?;
        read_sentences(&path, &Rules { labels: &labels, no_gold: spec.no_gold.as_deref() }).map(Some)
    }
}
