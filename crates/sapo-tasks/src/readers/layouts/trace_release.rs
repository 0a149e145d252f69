//! TRACE as it is published: `<task>/train.json`, `eval.json`, `test.json` of `{"prompt", "answer"}`, with the instruction
//! inside every prompt.
//!
//! The prompts of a task differ in one place only: `benchmark.toml` has them as a template with `{instruction}` and
//! `{input}`, and a prompt that is not made by it is an error, so the two together are the prompt letter for letter. A task
//! with labels keeps the first line of an answer: ScienceQA explains itself after that.
//!
//! Source: Wang et al., 2023, arXiv 2310.06762.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::rows::{Rules, read_list};
use super::super::{Benchmark, ReadError, Rows, Split, TaskSpec};
use super::{Layout, unknown, without_rows};
use crate::{Example, Task};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    prompt: String,
    answer: String,
}

#[derive(Debug)]
pub(super) struct TraceRelease {
    dir: PathBuf,
    benchmark: Benchmark,
}

/// Whether any task's folder has the release's name for dev rows.
pub(super) fn fits(dir: &Path, benchmark: &Benchmark) -> bool {
    benchmark.tasks.iter().any(|spec| dir.join(spec.path()).join("eval.json").is_file())
}

impl TraceRelease {
    pub(super) fn open(dir: &Path, benchmark: &Benchmark) -> Self {
        Self { dir: dir.into(), benchmark: benchmark.clone() }
    }

    fn spec(&self, name: &str) -> Result<&TaskSpec, ReadError> {
        self.benchmark
            .task(name)
            .ok_or_else(|| unknown(format!("benchmark `{}`", self.benchmark.name), name, &self.task_names()))
    }
}

impl Layout for TraceRelease {
    fn task_names(&self) -> Vec<String> {
        self.benchmark.tasks.iter().map(|spec| spec.name.clone()).collect()
    }

    fn describe(&self, task: &str) -> Result<Task, ReadError> {
        let spec = self.spec(task)?;
        let instruction = self.benchmark.instruction_of(spec)?;
        Ok(without_rows(task, instruction, spec.suffix.clone(), spec.labels.clone(), spec.language))
    }

    fn file(&self, task: &str, split: Split) -> PathBuf {
        let name = match split {
            Split::Train => "train.json",
            Split::Dev => "eval.json",
            Split::Test => "test.json",
        };
        self.dir.join(task).join(name)
    }

    fn rows(&self, task: &str, split: Split) -> Result<Option<Rows>, ReadError> {
        let spec = self.spec(task)?;
        let path = self.file(task, split);
        if !path.exists() {
            let what = format!("task `{task}` needs it");
            return Err(ReadError::Missing { path, what, advice: self.benchmark.how_to_get.clone() });
        }
        let (before, after) = self.benchmark.prompt_of(spec)?;
        read_list(&path, |row: Row| take(spec, &before, &after, row)).map(Some)
    }
}

/// The example in a row whose prompt is `before`, the input, `after`.
fn take(spec: &TaskSpec, before: &str, after: &str, row: Row) -> Result<Option<Example>, String> {
    let rest = row.prompt.strip_prefix(before).ok_or_else(|| {
        format!("`prompt`: expected it to begin with {before:?}, got {:?}", beginning(&row.prompt))
    })?;
    let input = rest
        .strip_suffix(after)
        .ok_or_else(|| format!("`prompt`: expected it to end with {after:?}, got {:?}", ending(rest)))?;
    let answer = match spec.labels.is_empty() {
        true => row.answer,
        false => row.answer.lines().next().unwrap_or_default().trim().to_owned(),
    };
    Rules { labels: &spec.labels, no_gold: None }.check(("prompt", input.to_owned()), ("answer", answer))
}

fn beginning(text: &str) -> String {
    text.chars().take(60).collect()
}

fn ending(text: &str) -> String {
    let start = text.char_indices().rev().nth(39).map_or(0, |(at, _)| at);
    text[start..].to_owned()
}
