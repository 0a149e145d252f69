//! The layout in which the paper keeps SuperNI and TRACE: `instructions.json` and a folder of three splits a task.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sapo_prompts::Instruction;
use serde::Deserialize;

use super::rows::{Rules, read_json, read_rows};
use super::{Benchmark, ReadError, Split, TrainFrom};
use crate::{Example, Language, Task, TaskKind, TaskStream};

/// One entry of `instructions.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    instruction: String,
    #[serde(default)]
    suffix: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    /// Rows of train, dev and test as published; the files may hold fewer (see `missing` in `benchmark.toml`).
    #[serde(default, rename = "size")]
    _size: Option<[usize; 3]>,
}

#[derive(Debug, Clone)]
pub(super) struct PaperLayout {
    dir: PathBuf,
    benchmark: Benchmark,
    entries: BTreeMap<String, Entry>,
    train_from: TrainFrom,
}

impl PaperLayout {
    pub(super) fn open(dir: &Path, benchmark: &str) -> Result<Self, ReadError> {
        let benchmark = Benchmark::named(benchmark)?;
        let path = dir.join("instructions.json");
        if dir.is_dir() && !path.exists() {
            let what = format!("it names the tasks of {}", benchmark.title);
            let advice = format!("expected in the folder: {}", benchmark.layout);
            return Err(ReadError::Missing { path, what, advice });
        }
        let entries = read_json(&path)?;
        Ok(Self { dir: dir.into(), benchmark, entries, train_from: TrainFrom::Train })
    }

    pub(super) fn with_train_from(mut self, train_from: TrainFrom) -> Self {
        self.train_from = train_from;
        self
    }

    pub(super) fn benchmark(&self) -> &Benchmark {
        &self.benchmark
    }

    pub(super) fn task_names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub(super) fn instruction(&self, name: &str) -> Result<Instruction, ReadError> {
        Ok(Instruction::new(self.entry(name)?.instruction.clone()))
    }

    pub(super) fn task(&self, name: &str) -> Result<Task, ReadError> {
        let entry = self.entry(name)?;
        let language = self.benchmark.task(name).map_or(Language::English, |spec| spec.language);
        let kind = if entry.labels.is_empty() { TaskKind::Generation } else { TaskKind::Classification };
        let (train, dev) = self.train_and_dev(name)?;
        Ok(Task {
            name: name.to_owned(),
            kind,
            language,
            instruction: self.instruction(name)?,
            suffix: entry.suffix.clone().filter(|suffix| !suffix.is_empty()),
            labels: entry.labels.clone(),
            train,
            dev,
            test: self.rows(name, Split::Test)?,
        })
    }

    pub(super) fn rows(&self, name: &str, split: Split) -> Result<Vec<Example>, ReadError> {
        let labels = &self.entry(name)?.labels;
        let path = self.path(name, split);
        if !path.exists() {
            return Err(self.benchmark.missing_file(path, name, split));
        }
        read_rows(&path, &Rules { labels, no_gold: None })
    }

    pub(super) fn stream(&self, name: &str) -> Result<TaskStream, ReadError> {
        let sequence = self.benchmark.sequence(name)?;
        self.stream_of(&sequence.name, &sequence.tasks)
    }

    pub(super) fn stream_of<S: AsRef<str>>(&self, name: &str, tasks: &[S]) -> Result<TaskStream, ReadError> {
        if tasks.is_empty() {
            return Err(ReadError::EmptyStream { name: name.to_owned() });
        }
        let tasks = tasks.iter().map(|task| self.task(task.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(TaskStream { name: name.to_owned(), tasks })
    }

    fn train_and_dev(&self, name: &str) -> Result<(Vec<Example>, Vec<Example>), ReadError> {
        let no_train = !self.path(name, Split::Train).exists();
        if no_train && self.train_from == TrainFrom::DevWhereMissing {
            return Ok((self.rows(name, Split::Dev)?, Vec::new()));
        }
        Ok((self.rows(name, Split::Train)?, self.rows(name, Split::Dev)?))
    }

    fn path(&self, name: &str, split: Split) -> PathBuf {
        self.dir.join(name).join(split.file_name())
    }

    fn entry(&self, name: &str) -> Result<&Entry, ReadError> {
        self.entries.get(name).ok_or_else(|| ReadError::Unknown {
            place: self.dir.join("instructions.json").display().to_string(),
            kind: "task",
            name: name.into(),
            known: self.task_names().collect::<Vec<_>>().join(", "),
        })
    }
}
