//! Which tasks are asked about, which of their rows, and under which wording.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sapo_tasks::readers::{Dataset, ReadError, Split};
use sapo_tasks::{Example, Instruction, Task};

use super::EvalArgs;
use crate::benchmark_tasks::BenchmarkTasks;
use crate::failure::InputError;
use crate::jsonl::Line;

/// A task with the rows that are asked about.
pub(super) struct AskedTask {
    /// Without its rows.
    pub(super) task: Task,
    /// What stands before the input.
    pub(super) wording: Instruction,
    /// Where the rows are from, for messages.
    pub(super) file: PathBuf,
    /// What their numbers count: `row` or `line`.
    pub(super) unit: &'static str,
    /// The rows with their numbers in the file.
    pub(super) rows: Vec<Line<Example>>,
}

/// Reads all that was asked for, so that what is missing is known before the model is opened.
pub(super) fn read(args: &EvalArgs) -> anyhow::Result<Vec<AskedTask>> {
    let place = BenchmarkTasks::open(&args.benchmark, args.data.as_deref())?;
    let known = place.names();
    let mut wordings = match &args.prompts {
        Some(path) => wordings(path, &known)?,
        None => BTreeMap::new(),
    };
    let mut tasks = Vec::new();
    for name in place.asked_for(args.stream.as_deref(), &args.tasks)? {
        let mut asked = task(&place, &name, args.split.into())?;
        asked.rows.truncate(args.limit.map_or(usize::MAX, Into::into));
        if let Some(wording) = wordings.remove(&name) {
            let is_blank = wording.trim().is_empty() && !asked.wording.as_str().is_empty();
            ensure!(
                !is_blank,
                "{}: the wording of task `{name}`: expected a text, got nothing but space",
                args.prompts.as_deref().unwrap_or(Path::new("--prompts")).display()
            );
            asked.wording = Instruction::new(wording);
        }
        tasks.push(asked);
    }
    Ok(tasks)
}

fn task(place: &BenchmarkTasks, name: &str, split: Split) -> Result<AskedTask, ReadError> {
    match place {
        BenchmarkTasks::Folder(dataset) => read_task(dataset, name, split),
        BenchmarkTasks::Generated => Ok(generated(place.describe(name)?, split)),
    }
}

fn read_task(dataset: &Dataset, name: &str, split: Split) -> Result<AskedTask, ReadError> {
    let task = dataset.describe(name)?;
    let Some(rows) = dataset.all_rows(name, split)? else {
        let what = format!("task `{name}` has no {} rows", split.name());
        let advice = "write them, or take another --split".into();
        return Err(ReadError::Missing { path: dataset.file(name, split), what, advice });
    };
    let (file, unit) = (rows.file.clone(), rows.unit);
    let numbers: Vec<usize> = rows.examples.iter().map(|(number, _)| *number).collect();
    let rows = numbers.into_iter().zip(rows.strict()?).map(|(number, value)| Line { number, value });
    Ok(AskedTask { wording: task.instruction.clone(), task, file, unit, rows: rows.collect() })
}

/// A task of the built-in benchmark with the rows that `sapo data get builtin` writes.
fn generated(mut task: Task, split: Split) -> AskedTask {
    let (train, dev, test) =
        (std::mem::take(&mut task.train), std::mem::take(&mut task.dev), std::mem::take(&mut task.test));
    let rows = match split {
        Split::Train => train,
        Split::Dev => dev,
        Split::Test => test,
    };
    let rows = rows.into_iter().enumerate().map(|(index, value)| Line { number: index + 1, value });
    let file = Path::new("builtin").join(&task.name).join(split.name());
    AskedTask { wording: task.instruction.clone(), task, file, unit: "row", rows: rows.collect() }
}

/// The wordings of a file {task: wording}, each of a task that is `known`.
fn wordings(path: &Path, known: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read(path).map_err(|source| InputError::Read { path: path.into(), source })?;
    let wordings: BTreeMap<String, String> = serde_json::from_slice(&text)
        .with_context(|| format!("{}: expected {{\"task\": \"wording\", ..}}", path.display()))?;
    if let Some(name) = wordings.keys().find(|name| !known.contains(name)) {
        let (name, known) = (name.clone(), known.join(", "));
        return Err(InputError::WordingOfNothing { path: path.into(), name, known }.into());
    }
    Ok(wordings)
}
