//! What is known of a benchmark apart from its rows: `data/benchmarks/<name>/benchmark.toml`.

use serde::Deserialize;

use super::{ReadError, Split};
use crate::Language;

/// The descriptions, compiled in so that an installed program has them. One line a benchmark.
const EMBEDDED: [(&str, &str); 4] = [
    ("superni", include_str!("../../../../data/benchmarks/superni/benchmark.toml")),
    ("trace", include_str!("../../../../data/benchmarks/trace/benchmark.toml")),
    ("text-classification", include_str!("../../../../data/benchmarks/text-classification/benchmark.toml")),
    ("natural-instructions", include_str!("../../../../data/benchmarks/natural-instructions/benchmark.toml")),
];

/// A benchmark's description.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    /// The files that a reader expects.
    pub layout: String,
    /// How the splits were made.
    pub splits: String,
    /// The metric that the paper reports: `rouge_l` or `exact_match`.
    pub metric: String,
    /// What to know about the metric.
    pub metric_note: String,
    /// Tasks in a training order.
    #[serde(default, rename = "sequence")]
    pub sequences: Vec<Sequence>,
    /// What is known of single tasks.
    #[serde(default, rename = "task")]
    pub tasks: Vec<TaskSpec>,
    /// Rows that the public copies do not have.
    #[serde(default)]
    pub missing: Vec<Missing>,
}

/// Tasks in the order in which they are trained.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// For example `ni-seq-c1`.
    pub name: String,
    /// Names of tasks.
    pub tasks: Vec<String>,
}

/// What a dataset's own files do not say of a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// Name of the task.
    pub name: String,
    /// Folder below the dataset's, where it is not the name.
    pub path: Option<String>,
    /// The instruction, where the dataset has none.
    pub instruction: Option<String>,
    /// The suffix, where the dataset has none.
    pub suffix: Option<String>,
    /// Language of the instruction.
    #[serde(default)]
    pub language: Language,
    /// The label of rows without an agreed answer, which are left out.
    pub no_gold: Option<String>,
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

    /// The error for a file of `task` that is not there, with the known reason if there is one.
    pub(super) fn missing_file(&self, path: std::path::PathBuf, task: &str, split: Split) -> ReadError {
        let known = self.gaps(task).find(|gap| !gap.partial && gap.splits.contains(&split));
        let (what, advice) = match known {
            Some(gap) => (gap.what.clone(), gap.advice.clone()),
            None => (
                format!("task `{task}` needs it"),
                format!("see `layout` and `source` in data/benchmarks/{}/benchmark.toml", self.name),
            ),
        };
        ReadError::Missing { path, what, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_description_is_sound() {
        assert_eq!(benchmarks().count(), 4);
        for name in benchmarks() {
            let benchmark = Benchmark::named(name).unwrap();
            assert!(["rouge_l", "exact_match"].contains(&benchmark.metric.as_str()));
            assert!(benchmark.sequences.iter().all(|sequence| !sequence.tasks.is_empty()));
            assert!(benchmark.missing.iter().all(|gap| !gap.splits.is_empty() && !gap.tasks.is_empty()));
        }
        assert!(matches!(Benchmark::named("glue"), Err(ReadError::Unknown { .. })));
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
