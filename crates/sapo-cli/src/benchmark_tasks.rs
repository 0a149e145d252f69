//! The tasks of a benchmark, or of a folder of the user's, and those of them that a command line names.

use std::collections::BTreeSet;
use std::path::Path;

use sapo_tasks::Task;
use sapo_tasks::builtin::{self, Family, Role, Sizes};
use sapo_tasks::readers::{Benchmark, Dataset, ReadError};

use crate::failure::InputError;

/// Where tasks come from.
pub(crate) enum BenchmarkTasks {
    /// Files.
    Folder(Box<Dataset>),
    /// The built-in benchmark without files.
    Generated,
}

impl BenchmarkTasks {
    /// `name` is a benchmark's, or `own`; without `data` only `builtin` is there.
    pub(crate) fn open(name: &str, data: Option<&Path>) -> anyhow::Result<Self> {
        Ok(match (name, data) {
            ("own", Some(data)) => Self::Folder(Box::new(Dataset::own(data)?)),
            (name, Some(data)) => Self::Folder(Box::new(Dataset::open(name, data)?)),
            ("builtin", None) => Self::Generated,
            (name, None) => {
                let known = if name == "own" { None } else { Some(Benchmark::named(name)?) };
                return Err(InputError::NoData { how_to_get: known.map(|known| known.how_to_get) }.into());
            }
        })
    }

    /// What is known of the benchmark.
    pub(crate) fn benchmark(&self) -> Result<Benchmark, ReadError> {
        match self {
            Self::Folder(dataset) => Ok(dataset.benchmark().clone()),
            Self::Generated => Benchmark::named("builtin"),
        }
    }

    /// All there are.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Folder(dataset) => dataset.task_names().map(String::from).collect(),
            Self::Generated => generated().map(|family| family.name.to_owned()).collect(),
        }
    }

    /// Those of a stream, or those that are named, in that order; all of them where neither is given.
    pub(crate) fn asked_for(&self, stream: Option<&str>, tasks: &[String]) -> anyhow::Result<Vec<String>> {
        if let Some(stream) = stream {
            return Ok(self.benchmark()?.sequence(stream)?.tasks.clone());
        }
        if tasks.is_empty() {
            return Ok(self.names());
        }
        let mut seen = BTreeSet::new();
        match tasks.iter().find(|task| !seen.insert(*task)) {
            Some(twice) => Err(InputError::Twice { option: "--tasks", name: twice.clone() }.into()),
            None => Ok(tasks.to_vec()),
        }
    }

    /// A task without its rows, but for the built-in benchmark's, which come with it.
    pub(crate) fn describe(&self, name: &str) -> Result<Task, ReadError> {
        match self {
            Self::Folder(dataset) => dataset.describe(name),
            Self::Generated => Ok(family(name)?.task(0, Sizes::NANO)),
        }
    }
}

/// The families that streams are made of.
fn generated() -> impl Iterator<Item = &'static Family> {
    builtin::families().iter().filter(|family| family.role == Role::Stream)
}

fn family(name: &str) -> Result<&'static Family, ReadError> {
    generated().find(|family| family.name == name).ok_or_else(|| ReadError::Unknown {
        place: "benchmark `builtin`".into(),
        kind: "task",
        name: name.into(),
        known: generated().map(|family| family.name).collect::<Vec<_>>().join(", "),
    })
}
