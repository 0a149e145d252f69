//! The task files of Super-NaturalInstructions as they are published: `tasks/taskNNN_*.json` with a definition and all
//! instances. Splits are the paper's: the first 80 % of the instances, the next 10 %, the rest, in the file's order.
//!
//! What the files do not say, the suffix and the labels of the paper's tasks, comes from `benchmark.toml`; other tasks have
//! neither. All outputs of an instance count as right; training uses the first.
//!
//! Source: Wang et al., EMNLP 2022, arXiv 2204.07705; splits as the sizes of the paper's `instructions.json` have them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::rows::{Rules, parse, read_json, read_text, without_place};
use super::super::{Benchmark, ReadError, Rows, Split, TaskSpec};
use super::{Layout, unknown, without_rows};
use crate::{Example, Task};

/// The rows of a task file; it holds much more (examples with explanations, contributors, domains).
#[derive(Deserialize)]
struct TaskFile<'a> {
    #[serde(rename = "Instances", borrow)]
    instances: Vec<&'a RawValue>,
}

/// The definition alone.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "Definition")]
    definition: OneOrMany,
}

#[derive(Deserialize)]
struct Instance {
    input: String,
    output: OneOrMany,
}

/// Early files hold a text where later ones hold a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

#[derive(Debug)]
pub(super) struct NiTasks {
    folder: PathBuf,
    names: Vec<String>,
    benchmark: Benchmark,
}

impl NiTasks {
    /// Where the task files are: `dir/tasks` or `dir`.
    pub(super) fn folder(dir: &Path) -> Option<PathBuf> {
        [dir.join("tasks"), dir.to_owned()].into_iter().find(|folder| !names_in(folder).is_empty())
    }

    pub(super) fn open(dir: &Path, benchmark: &Benchmark) -> Result<Self, ReadError> {
        let folder = Self::folder(dir).unwrap_or_else(|| dir.to_owned());
        Ok(Self { names: names_in(&folder), folder, benchmark: benchmark.clone() })
    }

    fn path(&self, task: &str) -> PathBuf {
        self.folder.join(format!("{task}.json"))
    }

    fn spec(&self, task: &str) -> Option<&TaskSpec> {
        self.benchmark.task(task)
    }

    /// The task's file, which is there.
    fn known(&self, task: &str) -> Result<PathBuf, ReadError> {
        let path = self.path(task);
        if self.names.iter().any(|name| name == task) {
            return Ok(path);
        }
        if self.spec(task).is_none() {
            return Err(unknown(self.folder.display().to_string(), task, &self.names));
        }
        let what = format!("it holds all rows of task `{task}`");
        Err(ReadError::Missing { path, what, advice: self.benchmark.how_to_get.clone() })
    }
}

impl Layout for NiTasks {
    fn task_names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn describe(&self, task: &str) -> Result<Task, ReadError> {
        let head: Head = read_json(&self.known(task)?)?;
        let instruction = head.definition.into_vec().join(" ");
        let (suffix, labels, language) = match self.spec(task) {
            Some(spec) => (spec.suffix.clone(), spec.labels.clone(), spec.language),
            None => (None, Vec::new(), crate::Language::English),
        };
        Ok(without_rows(task, instruction, suffix, labels, language))
    }

    /// One file holds all splits.
    fn file(&self, task: &str, _: Split) -> PathBuf {
        self.path(task)
    }

    fn rows(&self, task: &str, split: Split) -> Result<Option<Rows>, ReadError> {
        let path = self.known(task)?;
        let labels = self.spec(task).map_or(&[][..], |spec| &spec.labels);
        let rules = Rules { labels, no_gold: None };
        let text = read_text(&path)?;
        let TaskFile { instances } = parse(&path, &text)?;
        let mut rows = Rows::new(&path, "instance");
        for index in bounds(instances.len(), split) {
            let instance =
                serde_json::from_str(instances[index].get()).map_err(|error| without_place(&error));
            rows.push(index + 1, instance.and_then(|instance| take(&rules, instance)));
        }
        Ok(Some(rows))
    }
}

/// The rows of a split among `count`: 80/10/10, rounded down but for the last.
fn bounds(count: usize, split: Split) -> std::ops::Range<usize> {
    let (train, dev) = (count * 8 / 10, count / 10);
    match split {
        Split::Train => 0..train,
        Split::Dev => train..train + dev,
        Split::Test => train + dev..count,
    }
}

fn take(rules: &Rules, instance: Instance) -> Result<Option<Example>, String> {
    let outputs = instance.output.into_vec();
    let Some(first) = outputs.first().cloned() else {
        return Err("`output`: expected at least one text, got none".into());
    };
    let example = rules.check(("input", instance.input), ("output", first))?;
    Ok(example.map(|example| Example { targets: outputs, ..example }))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .filter(|name| name.starts_with("task") && name.contains('_'))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of the paper's `instructions.json`.
    #[test]
    fn splits_have_the_papers_sizes() {
        for (count, sizes) in [
            (6500, [5200, 650, 650]),
            (6499, [5199, 649, 651]),
            (6493, [5194, 649, 650]),
            (5761, [4608, 576, 577]),
            (6130, [4904, 613, 613]),
            (2053, [1642, 205, 206]),
            (1259, [1007, 125, 127]),
            (999, [799, 99, 101]),
        ] {
            assert_eq!(Split::ALL.map(|split| bounds(count, split).len()), sizes);
            assert_eq!(bounds(count, Split::Dev).start, sizes[0]);
            assert_eq!(bounds(count, Split::Test).end, count);
        }
    }
}
