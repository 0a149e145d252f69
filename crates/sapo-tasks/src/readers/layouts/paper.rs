//! The layout in which the paper keeps SuperNI and TRACE: `instructions.json` and a folder of three splits a task.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::rows::{Rules, read_json, read_sentences};
use super::super::{Benchmark, ReadError, Rows, Split};
use super::{Layout, unknown, without_rows};
use crate::Task;

pub(crate) const INSTRUCTIONS: &str = "instructions.json";

/// One entry of `instructions.json`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) instruction: String,
    #[serde(default)]
    pub(crate) suffix: Option<String>,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// Rows of train, dev and test as published; the files may hold fewer (see `missing` in `benchmark.toml`).
    #[serde(default)]
    pub(crate) size: Option<[usize; 3]>,
}

#[derive(Debug)]
pub(super) struct Paper {
    dir: PathBuf,
    benchmark: Benchmark,
    entries: BTreeMap<String, Entry>,
}

impl Paper {
    pub(super) fn open(dir: &Path, benchmark: &Benchmark) -> Result<Self, ReadError> {
        let entries = read_json(&dir.join(INSTRUCTIONS))?;
        Ok(Self { dir: dir.into(), benchmark: benchmark.clone(), entries })
    }

    fn entry(&self, name: &str) -> Result<&Entry, ReadError> {
        self.entries.get(name).ok_or_else(|| {
            unknown(self.dir.join(INSTRUCTIONS).display().to_string(), name, &self.task_names())
        })
    }
}

impl Layout for Paper {
    fn task_names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    fn describe(&self, task: &str) -> Result<Task, ReadError> {
        let Entry { instruction, suffix, labels, .. } = self.entry(task)?.clone();
        let language = self.benchmark.task(task).map(|spec| spec.language).unwrap_or_default();
        Ok(without_rows(task, instruction, suffix, labels, language))
    }

    fn file(&self, task: &str, split: Split) -> PathBuf {
        self.dir.join(task).join(format!("{}.json", split.name()))
    }

    fn rows(&self, task: &str, split: Split) -> Result<Option<Rows>, ReadError> {
        let labels = &self.entry(task)?.labels;
        let path = self.file(task, split);
        if !path.exists() {
            return Err(self.benchmark.missing_file(path, task, split));
        }
        read_sentences(&path, &Rules { labels, no_gold: None }).map(Some)
    }
}
