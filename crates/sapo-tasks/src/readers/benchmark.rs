//! What is known of a benchmark apart from its rows: `data/benchmarks/<name>/benchmark.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{LayoutName, ReadError, Split};
use crate::Language;

/// The descriptions, compiled in so that an installed program has them. One line a benchmark.
const EMBEDDED: [(&str, &str); 5] = [
    ("builtin", include_str!("../../../../data/benchmarks/builtin/benchmark.toml")),
    ("superni", include_str!("../../../../data/benchmarks/superni/benchmark.toml")),
    ("trace", include_str!("../../../../data/benchmarks/trace/benchmark.toml")),
    ("text-classification", include_str!("../../../../data/benchmarks/text-classification/benchmark.toml")),
    ("natural-instructions", include_str!("../../../../data/benchmarks/natural-instructions/benchmark.toml")),
];

/// A benchmark's description.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benchmark {
    /// Name of its folder under `data/benchmarks/`.
    pub name: String,
    /// Raised when sequences or instructions change.
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// Who made it, where it is.
    pub source: String,
    /// Under what terms.
    pub licence: String,
    /// The layouts that a folder of it may have, the first one that fits wins; `sapo data get` writes the first.
    pub layouts: Vec<LayoutName>,
    /// The files that a reader expects.
    pub layout: String,
    /// How the splits were made.
    pub splits: String,
    /// The metric that the paper reports: `rouge_l` or `exact_match`.
    pub metric: String,
    /// What to know about the metric.
    pub metric_note: String,
    /// How it comes to this machine: a command, or what to do by hand.
    pub how_to_get: String,
    /// Files that `sapo data get` downloads.
    #[serde(default, rename = "download")]
    pub downloads: Vec<Download>,
    /// Tasks in a training order.
    #[serde(default, rename = "sequence")]
    pub sequences: Vec<Sequence>,
    /// What is known of single tasks.
    #[serde(default, rename = "task")]
    pub tasks: Vec<TaskSpec>,
    /// Rows that the public copies do not have.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// Which files [`Benchmark::checksums`] are of.
    #[serde(default)]
    pub checksums_of: String,
    /// Lower-case hexadecimal SHA-256 by layout and the file's path in the folder.
    #[serde(default)]
    pub checksums: BTreeMap<LayoutName, BTreeMap<String, String>>,
}

/// Files below one address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// The address, with `{revision}` in it.
    pub base: String,
    /// Commit or tag.
    pub revision: String,
    /// The layout in which they come.
    pub layout: LayoutName,
    /// Paths below the address, and in the folder that comes; `{task}` and `{path}` stand for those of a task.
    pub files: Vec<String>,
    /// Names of the tasks whose files these are.
    pub tasks: Vec<String>,
}

/// Tasks in the order in which they are trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// For example `ni-seq-c1`.
    pub name: String,
    /// Names of tasks.
    pub tasks: Vec<String>,
    /// Where the order is from, if not from the benchmark's paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What a dataset's own files do not say of a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// Name of the task.
    pub name: String,
    /// Folder below the dataset's, where it is not the name.
    path: Option<String>,
    /// The instruction, where the dataset has none.
    pub instruction: Option<String>,
    /// The suffix, where the dataset has none.
    pub suffix: Option<String>,
    /// The answers of a classification, where the dataset does not name them.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Rows of train, dev and test as published.
    pub size: Option<[usize; 3]>,
    /// How the release makes a prompt of `{instruction}` and `{input}`.
    pub prompt: Option<String>,
    /// The metric by which the benchmark itself scores the task, where it is not the paper's.
    pub native_metric: Option<String>,
    /// Language of the instruction.
    #[serde(default)]
    pub language: Language,
    /// The label of rows without an agreed answer, which are left out.
    pub no_gold: Option<String>,
}

impl TaskSpec {
    /// The task's folder below the dataset's.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }
}

/// A known gap in the public copies of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// Names of the tasks with this gap.
    pub tasks: Vec<String>,
    /// The splits concerned.
    pub splits: Vec<Split>,
    /// Some rows are there.
    #[serde(default)]
    pub partial: bool,
    /// What is missing.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// The names of all described benchmarks.
pub fn benchmarks() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(name, _)| *name)
}

impl Benchmark {
    /// The description of the benchmark with this name.
    ///
    /// # Errors
    /// No such benchmark, or a mistake in its `benchmark.toml`.
    pub fn named(name: &str) -> Result<Self, ReadError> {
        let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            let known = benchmarks().collect::<Vec<_>>().join(", ");
            let place = "data/benchmarks".into();
            return Err(ReadError::Unknown { place, kind: "benchmark", name: name.into(), known });
        };
        let benchmark: Self = toml::from_str(text)
            .map_err(|error| ReadError::Benchmark { name: name.into(), reason: error.to_string() })?;
        if benchmark.name != name {
            let reason = format!("`name`: expected `{name}` after the folder, got `{}`", benchmark.name);
            return Err(ReadError::Benchmark { name: name.into(), reason });
        }
        Ok(benchmark)
    }

    /// A folder of tasks of your own.
    pub(super) fn of_your_own(sequences: Vec<Sequence>) -> Self {
        Self {
            name: "own".into(),
            title: "tasks of your own".into(),
            layouts: vec![LayoutName::Own],
            layout: "<task>/task.toml, train.jsonl, and where wanted dev.jsonl, test.jsonl and streams.toml"
                .into(),
            how_to_get: "docs/cli.md has an example".into(),
            sequences,
            ..Self::default()
        }
    }

    /// The sequence with this name; case, `_` for `-` and a missing `ni-seq-` are forgiven (`C1` is `ni-seq-c1`).
    ///
    /// # Errors
    /// No such sequence.
    pub fn sequence(&self, name: &str) -> Result<&Sequence, ReadError> {
        let wanted = name.to_lowercase().replace('_', "-");
        let matches = |sequence: &&Sequence| {
            sequence.name == wanted || sequence.name.strip_prefix("ni-seq-") == Some(wanted.as_str())
        };
        self.sequences.iter().find(matches).ok_or_else(|| ReadError::Unknown {
            place: format!("benchmark `{}`", self.name),
            kind: "stream",
            name: name.into(),
            known: self
                .sequences
                .iter()
                .map(|sequence| sequence.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// What is known of `task` beyond its files.
    pub fn task(&self, task: &str) -> Option<&TaskSpec> {
        self.tasks.iter().find(|spec| spec.name == task)
    }

    /// The known gaps of `task`.
    pub fn gaps<'a>(&'a self, task: &'a str) -> impl Iterator<Item = &'a Missing> {
        self.missing.iter().filter(move |missing| missing.tasks.iter().any(|name| name == task))
    }

    /// The instruction of a task whose files have none.
    pub(super) fn instruction_of(&self, spec: &TaskSpec) -> Result<String, ReadError> {
        spec.instruction
            .clone()
            .ok_or_else(|| self.mistake(format!("task `{}` has no `instruction`", spec.name)))
    }

    /// What stands before and after the input in a prompt of the release.
    pub(super) fn prompt_of(&self, spec: &TaskSpec) -> Result<(String, String), ReadError> {
        let instruction = self.instruction_of(spec)?;
        let template = spec.prompt.as_deref().unwrap_or("{input}");
        let (before, after) = template.split_once("{input}").ok_or_else(|| {
            self.mistake(format!(
                "task `{}`: `prompt`: expected {{input}} in it, got {template:?}",
                spec.name
            ))
        })?;
        Ok((before.replace("{instruction}", &instruction), after.to_owned()))
    }

    fn mistake(&self, reason: String) -> ReadError {
        ReadError::Benchmark { name: self.name.clone(), reason }
    }

    /// The error for a file of `task` that is not there, with the known reason if there is one.
    pub(super) fn missing_file(&self, path: PathBuf, task: &str, split: Split) -> ReadError {
        let known = self.gaps(task).find(|gap| !gap.partial && gap.splits.contains(&split));
        let (what, advice) = match known {
            Some(gap) => (gap.what.clone(), gap.advice.clone()),
            None => (format!("task `{task}` needs it"), self.how_to_get.clone()),
        };
        ReadError::Missing { path, what, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_description_is_sound() {
        assert_eq!(benchmarks().count(), 5);
        for name in benchmarks() {
            let benchmark = Benchmark::named(name).unwrap();
            assert!(["rouge_l", "exact_match"].contains(&benchmark.metric.as_str()));
            assert!(benchmark.sequences.iter().all(|sequence| !sequence.tasks.is_empty()));
            assert!(benchmark.missing.iter().all(|gap| !gap.splits.is_empty() && !gap.tasks.is_empty()));
            assert!(!benchmark.layouts.is_empty() && !benchmark.how_to_get.is_empty());
            assert_eq!(benchmark.checksums.is_empty(), benchmark.checksums_of.is_empty(), "{name}");
            let is_hash =
                |text: &String| text.len() == 64 && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
            assert!(benchmark.checksums.values().flat_map(|files| files.values()).all(is_hash), "{name}");
        }
        assert!(matches!(Benchmark::named("glue"), Err(ReadError::Unknown { .. })));
    }

    /// Every task that a sequence, a download or a gap names is described, where tasks are described at all.
    #[test]
    fn every_named_task_is_known() {
        for name in ["superni", "trace", "text-classification"] {
            let benchmark = Benchmark::named(name).unwrap();
            let sequences = benchmark.sequences.iter().flat_map(|sequence| &sequence.tasks);
            let downloads = benchmark.downloads.iter().flat_map(|download| &download.tasks);
            let gaps = benchmark.missing.iter().flat_map(|gap| &gap.tasks);
            for task in sequences.chain(downloads).chain(gaps) {
                assert!(benchmark.task(task).is_some(), "{name}: {task}");
            }
            assert!(
                benchmark.tasks.iter().all(|spec| benchmark.prompt_of(spec).is_ok() || name == "superni")
            );
        }
    }

    #[test]
    fn the_orders_of_the_suite() {
        let suite = Benchmark::named("text-classification").unwrap();
        let lengths: Vec<_> =
            (1..=6).map(|n| suite.sequence(&format!("order-{n}")).unwrap().tasks.len()).collect();
        assert_eq!(lengths, [4, 4, 4, 15, 15, 15]);
        let sorted = |name: &str| {
            let mut tasks = suite.sequence(name).unwrap().tasks.clone();
            tasks.sort();
            tasks
        };
        let mut all: Vec<_> = suite.tasks.iter().map(|spec| spec.name.clone()).collect();
        all.sort();
        assert!(["order-4", "order-5", "order-6"].iter().all(|name| sorted(name) == all));
        assert!(["order-1", "order-2"].iter().all(|name| sorted(name) == sorted("order-3")));
        assert_eq!(sorted("five-1"), ["agnews", "amazon", "dbpedia", "yahoo", "yelp"]);
        assert!(["five-2", "five-3", "five-4"].iter().all(|name| sorted(name) == sorted("five-1")));
    }

    #[test]
    fn sequences_go_by_several_names() {
        let superni = Benchmark::named("superni").unwrap();
        assert_eq!(superni.sequences.len(), 6);
        for name in ["c1", "C1", "ni-seq-c1", "ni_seq_c1"] {
            assert_eq!(
                superni.sequence(name).unwrap().tasks[1],
                "task1310_amazonreview_rating_classification"
            );
        }
        let message = superni.sequence("c9").unwrap_err().to_string();
        assert!(message.contains("`c9`") && message.contains("ni-seq-m2"), "{message}");
    }
}
