//! A stream of your own: a folder a task.
//!
//! ```text
//! streams.toml        [[stream]] name = "mine", tasks = ["topic", "summary"]; without it, all tasks by name
//! topic/task.toml     instruction = "...", and where wanted suffix = "...", labels = [..], language = "chinese",
//!                     native_metric = "sari"
//!       train.jsonl   {"input": str, "target": str} a line
//!       dev.jsonl     where wanted
//!       test.jsonl    where wanted
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::rows::read_text;
use super::super::{ReadError, Rows, Sequence, Split, rows_of_jsonl};
use super::{Layout, unknown, without_rows};
use crate::{Language, Task};

/// The file that makes a folder a task.
pub(crate) const TASK: &str = "task.toml";

/// The file of the orders.
pub(crate) const STREAMS: &str = "streams.toml";

/// `task.toml`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskFile {
    pub(crate) instruction: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suffix: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) language: Language,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) native_metric: Option<String>,
}

/// `streams.toml`
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamsFile {
    #[serde(rename = "stream")]
    pub(crate) streams: Vec<Sequence>,
}

#[derive(Debug)]
pub(super) struct Own {
    dir: PathBuf,
    names: Vec<String>,
}

/// Whether the folder has streams or a task.
pub(crate) fn fits(dir: &Path) -> bool {
    dir.join(STREAMS).is_file() || !names_in(dir).is_empty()
}

impl Own {
    pub(super) fn open(dir: &Path) -> Result<Self, ReadError> {
        Ok(Self { dir: dir.into(), names: names_in(dir) })
    }

    fn known(&self, task: &str) -> Result<PathBuf, ReadError> {
        if !self.names.iter().any(|name| name == task) {
            return Err(unknown(self.dir.display().to_string(), task, &self.names));
        }
        Ok(self.dir.join(task))
    }

    fn description(&self, task: &str) -> Result<TaskFile, ReadError> {
        let path = self.known(task)?.join(TASK);
        let file: TaskFile = read_toml(&path)?;
        if file.instruction.trim().is_empty() {
            let reason = "`instruction`: expected a text, got nothing but space".into();
            return Err(ReadError::File { path, reason });
        }
        Ok(file)
    }
}

impl Layout for Own {
    fn task_names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn describe(&self, task: &str) -> Result<Task, ReadError> {
        let TaskFile { instruction, suffix, labels, language, native_metric } = self.description(task)?;
        Ok(Task { native_metric, ..without_rows(task, instruction, suffix, labels, language) })
    }

    fn file(&self, task: &str, split: Split) -> PathBuf {
        self.dir.join(task).join(format!("{}.jsonl", split.name()))
    }

    fn rows(&self, task: &str, split: Split) -> Result<Option<Rows>, ReadError> {
        let labels = self.description(task)?.labels;
        let path = self.file(task, split);
        match (path.exists(), split) {
            (true, _) => rows_of_jsonl(path, &labels).map(Some),
            (false, Split::Train) => {
                let what = format!("task `{task}` needs it");
                let advice = "write {\"input\": str, \"target\": str} to it, one object a line".into();
                Err(ReadError::Missing { path, what, advice })
            }
            (false, _) => Ok(None),
        }
    }
}

/// The streams of a folder: those of `streams.toml`, or one of all tasks by name, called as the folder.
pub(crate) fn streams(dir: &Path) -> Result<Vec<Sequence>, ReadError> {
    let path = dir.join(STREAMS);
    if path.exists() {
        return Ok(read_toml::<StreamsFile>(&path)?.streams);
    }
    let name = dir.canonicalize().ok().and_then(|dir| Some(dir.file_name()?.to_string_lossy().into_owned()));
    Ok(vec![Sequence { name: name.unwrap_or_else(|| "own".into()), tasks: names_in(dir), source: None }])
}

fn read_toml<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, ReadError> {
    toml::from_str(&read_text(path)?)
        .map_err(|error| ReadError::File { path: path.into(), reason: error.to_string().trim_end().into() })
}

/// The folders with a `task.toml`, by name.
fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join(TASK).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
