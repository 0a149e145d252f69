//! Which tasks are asked about, which of their rows, and under which wording.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sapo_tasks::builtin::{self, Family, Role, Sizes};
use sapo_tasks::readers::{Benchmark, Dataset, ReadError, Split};
use sapo_tasks::{Example, Instruction, Task};

use super::EvalArgs;
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
    let place = Tasks::open(args)?;
    let known = place.names();
    let mut wordings = match &args.prompts {
        Some(path) => wordings(path, &known)?,
        None => BTreeMap::new(),
    };
    let mut tasks = Vec::new();
    for name in asked_for(args, &place, known)? {
        let mut asked = place.task(&name, args.split.into())?;
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

/// The names of the tasks in their order.
fn asked_for(args: &EvalArgs, place: &Tasks, known: Vec<String>) -> anyhow::Result<Vec<String>> {
    if let Some(stream) = &args.stream {
        return Ok(place.benchmark()?.sequence(stream)?.tasks.clone());
    }
    if args.tasks.is_empty() {
        return Ok(known);
    }
    let mut seen = BTreeSet::new();
    match args.tasks.iter().find(|task| !seen.insert(*task)) {
        Some(twice) => Err(InputError::Twice { option: "--tasks", name: twice.clone() }.into()),
        None => Ok(args.tasks.clone()),
    }
}

/// Where the tasks come from.
enum Tasks {
    Folder(Box<Dataset>),
    Generated,
}

impl Tasks {
    fn open(args: &EvalArgs) -> anyhow::Result<Self> {
        Ok(match (args.benchmark.as_str(), &args.data) {
            ("own", Some(data)) => Self::Folder(Box::new(Dataset::own(data)?)),
            (name, Some(data)) => Self::Folder(Box::new(Dataset::open(name, data)?)),
            ("builtin", None) => Self::Generated,
            (name, None) => {
                let known = if name == "own" { None } else { Some(Benchmark::named(name)?) };
                return Err(InputError::NoData { how_to_get: known.map(|known| known.how_to_get) }.into());
            }
        })
    }

    fn benchmark(&self) -> Result<Benchmark, ReadError> {
        match self {
            Self::Folder(dataset) => Ok(dataset.benchmark().clone()),
            Self::Generated => Benchmark::named("builtin"),
        }
    }

    /// All there are.
    fn names(&self) -> Vec<String> {
        match self {
            Self::Folder(dataset) => dataset.task_names().map(String::from).collect(),
            Self::Generated => generated().map(|family| family.name.to_owned()).collect(),
        }
    }

    fn task(&self, name: &str, split: Split) -> Result<AskedTask, ReadError> {
        match self {
            Self::Folder(dataset) => read_task(dataset, name, split),
            Self::Generated => generate(name, split),
        }
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

/// The families that streams are made of.
fn generated() -> impl Iterator<Item = &'static Family> {
    builtin::families().iter().filter(|family| family.role == Role::Stream)
}

/// A task of the built-in benchmark with the rows that `sapo data get builtin` writes.
fn generate(name: &str, split: Split) -> Result<AskedTask, ReadError> {
    let Some(family) = generated().find(|family| family.name == name) else {
        return Err(ReadError::Unknown {
            place: "benchmark `builtin`".into(),
            kind: "task",
            name: name.into(),
            known: generated().map(|family| family.name).collect::<Vec<_>>().join(", "),
        });
    };
    let mut task = family.task(0, Sizes::NANO);
    let (train, dev, test) =
        (std::mem::take(&mut task.train), std::mem::take(&mut task.dev), std::mem::take(&mut task.test));
    let rows = match split {
        Split::Train => train,
        Split::Dev => dev,
        Split::Test => test,
    };
    let rows = rows.into_iter().enumerate().map(|(index, value)| Line { number: index + 1, value });
    let file = Path::new("builtin").join(name).join(split.name());
    Ok(AskedTask { wording: task.instruction.clone(), task, file, unit: "row", rows: rows.collect() })
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
