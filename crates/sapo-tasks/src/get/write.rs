//! Tasks as files, each whole or not at all.

use std::path::Path;

use sapo_files::whole;
use serde::Serialize;

use super::{Entries, GetError, make_folder};
use crate::builtin::{self, Sizes};
use crate::readers::layouts::own::{STREAMS, StreamsFile, TASK, TaskFile};
use crate::readers::layouts::paper::{Entry, INSTRUCTIONS};
use crate::readers::{Dataset, LayoutName, ReadError, Sequence, Split};
use crate::{Example, Task};

/// `{"sentence", "label"}`
#[derive(Serialize)]
struct Sentence<'a> {
    sentence: &'a str,
    label: &'a str,
}

/// `{"input", "target"}`
#[derive(Serialize)]
struct Line<'a> {
    input: &'a str,
    target: &'a str,
}

/// Whether a task has been written in the paper's layout.
pub(super) fn is_whole(out: &Path, task: &str) -> bool {
    let instructions: Option<Entries> =
        std::fs::read(out.join(INSTRUCTIONS)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let is_there = |split: Split| out.join(task).join(format!("{}.json", split.name())).is_file();
    instructions.is_some_and(|entries| entries.contains_key(task)) && Split::ALL.into_iter().all(is_there)
}

/// Writes a task of a dataset in the first layout of its benchmark; splits that the dataset lacks are left out. Gives the
/// rows of each split.
pub(super) fn write_task(dataset: &Dataset, name: &str, out: &Path) -> Result<[Option<usize>; 3], GetError> {
    let task = dataset.describe(name)?;
    let benchmark = dataset.benchmark();
    let is_suite = benchmark.layouts.first() == Some(&LayoutName::Suite);
    let folder = match benchmark.task(name) {
        Some(spec) if is_suite => out.join(spec.path()),
        _ => out.join(name),
    };
    make_folder(&folder)?;
    let mut rows = [None; 3];
    for split in Split::ALL {
        let examples = match dataset.rows(name, split) {
            Err(ReadError::Missing { .. }) => continue,
            examples => examples?,
        };
        write_whole(&folder.join(format!("{}.json", split.name())), &sentences(&examples)?)?;
        rows[split as usize] = Some(examples.len());
    }
    if rows == [None; 3] {
        dataset.rows(name, Split::Train)?; // says what is missing
    }
    match is_suite {
        true => write_json(&folder.join("labels.json"), &task.labels)?,
        false => add_entry(&task, rows, out)?,
    }
    Ok(rows)
}

/// Adds a task to `instructions.json`, last: a task that stands there is whole.
fn add_entry(task: &Task, rows: [Option<usize>; 3], out: &Path) -> Result<(), GetError> {
    let path = out.join(INSTRUCTIONS);
    let mut entries = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice::<Entries>(&bytes)
            .map_err(|error| ReadError::File { path: path.clone(), reason: error.to_string() })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Entries::new(),
        Err(error) => return Err(GetError::io("read", &path)(error)),
    };
    let entry = Entry {
        instruction: task.instruction.as_str().to_owned(),
        suffix: task.suffix.clone(),
        labels: task.labels.clone(),
        size: Some(rows.map(Option::unwrap_or_default)),
    };
    entries.insert(task.name.clone(), entry);
    write_json(&path, &entries)
}

/// Writes tasks as a folder of your own: `streams.toml`, and for every task `task.toml` and a JSONL file a split that has
/// rows. Of several accepted answers the first is written.
///
/// # Errors
/// A place that cannot be written.
pub fn write_own(streams: Vec<Sequence>, tasks: &[Task], out: &Path) -> Result<(), GetError> {
    for task in tasks {
        let folder = out.join(&task.name);
        make_folder(&folder)?;
        for (split, examples) in Split::ALL.into_iter().zip([&task.train, &task.dev, &task.test]) {
            if !examples.is_empty() {
                write_whole(&folder.join(format!("{}.jsonl", split.name())), &lines(examples)?)?;
            }
        }
        let description = TaskFile {
            instruction: task.instruction.as_str().to_owned(),
            suffix: task.suffix.clone(),
            labels: task.labels.clone(),
            language: task.language,
            native_metric: task.native_metric.clone(),
        };
        write_toml(&folder.join(TASK), &description)?;
    }
    write_toml(&out.join(STREAMS), &StreamsFile { streams })
}

/// Generates the built-in benchmark: every family of the streams, and the streams in all their orders.
///
/// # Errors
/// A place that cannot be written.
pub fn write_builtin(seed: u64, sizes: Sizes, out: &Path) -> Result<Vec<Task>, GetError> {
    let families = builtin::families().iter().filter(|family| family.role == builtin::Role::Stream);
    let tasks: Vec<Task> = families.map(|family| family.task(seed, sizes)).collect();
    let streams = crate::readers::Benchmark::named("builtin")?.sequences;
    make_folder(out)?;
    write_own(streams, &tasks, out)?;
    Ok(tasks)
}

/// A JSON list, one row a line.
fn sentences(examples: &[Example]) -> Result<Vec<u8>, GetError> {
    let rows = examples.iter().map(|example| Sentence { sentence: &example.input, label: example.target() });
    let rows: Vec<String> = rows.map(|row| json(&row)).collect::<Result<_, _>>()?;
    Ok(format!("[\n{}\n]\n", rows.join(",\n")).into_bytes())
}

fn lines(examples: &[Example]) -> Result<Vec<u8>, GetError> {
    let rows = examples.iter().map(|example| Line { input: &example.input, target: example.target() });
    let rows: Vec<String> = rows.map(|row| json(&row)).collect::<Result<_, _>>()?;
    Ok((rows.join("\n") + "\n").into_bytes())
}

fn json(value: &impl Serialize) -> Result<String, GetError> {
    serde_json::to_string(value).map_err(|error| GetError::io("write", "JSON")(error.into()))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), GetError> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| GetError::io("write", path)(error.into()))?;
    write_whole(path, (text + "\n").as_bytes())
}

fn write_toml(path: &Path, value: &impl Serialize) -> Result<(), GetError> {
    let text =
        toml::to_string(value).map_err(|error| GetError::io("write", path)(std::io::Error::other(error)))?;
    write_whole(path, text.as_bytes())
}

/// Written beside its place, then renamed.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), GetError> {
    whole::write_with(path, |beside| std::fs::write(beside, bytes)).map_err(GetError::io("write", path))
}
