//! NaturalInstructions tasks for pre-training: `tasks.json` and `examples.jsonl`.

use std::collections::BTreeMap;
use std::path::Path;

use sapo_prompts::Instruction;
use serde::Deserialize;

use super::jsonl::read_lines;
use super::rows::read_json;
use super::{Fault, ReadError};
use crate::{Example, Language, Task, TaskKind};

/// Tasks that serve as training text.
#[derive(Debug, Clone)]
pub struct NaturalInstructions {
    tasks: Vec<NaturalTask>,
}

/// A task and what is said about it.
#[derive(Debug, Clone)]
pub struct NaturalTask {
    /// All rows are training rows; the kind is generation, because the files name no labels.
    pub task: Task,
    /// The corpus's categories, for example `Question Answering`.
    pub categories: Vec<String>,
    /// The licences of the corpora behind it.
    pub licence: Vec<String>,
}

/// One entry of `tasks.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    definition: String,
    licence: Vec<String>,
    categories: Vec<String>,
    examples: usize,
}

/// One line of `examples.jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    task: String,
    input: String,
    output: String,
}

impl NaturalInstructions {
    /// Reads all tasks of the folder `dir`.
    ///
    /// # Errors
    /// A missing file, a malformed line, a line of an unnamed task, or another number of rows than `tasks.json` says (a
    /// file that was cut off).
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, ReadError> {
        let (names, lines) = (dir.as_ref().join("tasks.json"), dir.as_ref().join("examples.jsonl"));
        let entries: BTreeMap<String, Entry> = read_json(&names)?;
        let mut rows: BTreeMap<&str, Vec<Example>> =
            entries.keys().map(|name| (name.as_str(), Vec::new())).collect();
        let read = read_lines(&lines, |line: Line| match rows.get_mut(line.task.as_str()) {
            Some(rows) => {
                rows.push(Example::new(line.input, line.output));
                Ok(None)
            }
            None => Err(format!("`task`: expected a task of tasks.json, got `{}`", line.task)),
        })?;
        if let Some(Fault { number, reason }) = read.faults.into_iter().next() {
            return Err(ReadError::Row { path: lines, unit: read.unit, number, reason });
        }
        for (name, rows) in &rows {
            let expected = entries.get(*name).map_or(0, |entry| entry.examples);
            if rows.len() != expected {
                let reason =
                    format!("task `{name}`: expected {expected} rows (tasks.json), got {}", rows.len());
                return Err(ReadError::File { path: lines, reason });
            }
        }
        let mut rows: BTreeMap<String, Vec<Example>> =
            rows.into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect();
        let tasks = entries.into_iter().map(|(name, entry)| {
            let train = rows.remove(&name).unwrap_or_default();
            natural_task(name, entry, train)
        });
        Ok(Self { tasks: tasks.collect() })
    }

    /// All tasks, sorted by name.
    pub fn tasks(&self) -> &[NaturalTask] {
        &self.tasks
    }
}

fn natural_task(name: String, entry: Entry, train: Vec<Example>) -> NaturalTask {
    let task = Task {
        name,
        kind: TaskKind::Generation,
        language: Language::English,
        instruction: Instruction::new(entry.definition),
        suffix: None,
        labels: Vec::new(),
        native_metric: None,
        train,
        dev: Vec::new(),
        test: Vec::new(),
    };
    NaturalTask { task, categories: entry.categories, licence: entry.licence }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: &str =
        r#"{"t1": {"definition": "Say {it}.", "licence": ["MIT"], "categories": ["C"], "examples": 2}}"#;

    fn open(tasks: &str, lines: &[u8]) -> Result<NaturalInstructions, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("tasks.json"), tasks).unwrap();
        std::fs::write(dir.path().join("examples.jsonl"), lines).unwrap();
        let here = format!("{}/", dir.path().display());
        NaturalInstructions::open(dir.path()).map_err(|error| error.to_string().replace(&here, ""))
    }

    const LINE: &str = "{\"task\": \"t1\", \"input\": \"a\", \"output\": \"b\"}\n";

    #[test]
    fn rows_go_to_their_task() {
        let read = open(TASKS, LINE.repeat(2).as_bytes()).unwrap();
        let [natural] = read.tasks() else { panic!("expected one task") };
        assert_eq!(natural.task.train, [Example::new("a", "b"), Example::new("a", "b")]);
        assert_eq!(natural.task.instruction.as_str(), "Say {it}.");
        assert_eq!((natural.licence[0].as_str(), natural.categories[0].as_str()), ("MIT", "C"));
    }

    #[test]
    fn mistakes_name_their_place() {
        let cut = open(TASKS, LINE.as_bytes()).unwrap_err();
        assert_eq!(cut, "examples.jsonl: task `t1`: expected 2 rows (tasks.json), got 1");
        let foreign = open(TASKS, format!("{LINE}{}", LINE.replace("t1", "t2")).as_bytes()).unwrap_err();
        assert_eq!(foreign, "examples.jsonl, line 2: `task`: expected a task of tasks.json, got `t2`");
        let missing = open(&TASKS.replace("definition", "text"), LINE.as_bytes()).unwrap_err();
        assert!(missing.starts_with("tasks.json: unknown field `text`"), "{missing}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_tasks_or_an_error(bytes: Vec<u8>) {
            proptest::prop_assert!(open(TASKS, &bytes).is_err());
        }
    }
}
