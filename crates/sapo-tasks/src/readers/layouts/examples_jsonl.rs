//! Tasks for pre-training: `tasks.json` and `examples.jsonl`, all rows to train on.

use std::path::{Path, PathBuf};

use super::super::{NaturalInstructions, ReadError, Rows, Split};
use super::{Layout, unknown};
use crate::Task;

#[derive(Debug)]
pub(super) struct ExamplesJsonl {
    file: PathBuf,
    natural: NaturalInstructions,
}

impl ExamplesJsonl {
    pub(super) fn open(dir: &Path) -> Result<Self, ReadError> {
        Ok(Self { file: dir.join("examples.jsonl"), natural: NaturalInstructions::open(dir)? })
    }

    fn task(&self, name: &str) -> Result<&Task, ReadError> {
        let found = self.natural.tasks().iter().find(|natural| natural.task.name == name);
        found
            .map(|natural| &natural.task)
            .ok_or_else(|| unknown(self.file.display().to_string(), name, &self.task_names()))
    }
}

impl Layout for ExamplesJsonl {
    fn task_names(&self) -> Vec<String> {
        self.natural.tasks().iter().map(|natural| natural.task.name.clone()).collect()
    }

    fn describe(&self, task: &str) -> Result<Task, ReadError> {
        Ok(Task { train: Vec::new(), ..self.task(task)?.clone() })
    }

    fn file(&self, _: &str, _: Split) -> PathBuf {
        self.file.clone()
    }

    /// The numbers count the rows of the task, which lie among those of others.
    fn rows(&self, task: &str, split: Split) -> Result<Option<Rows>, ReadError> {
        let task = self.task(task)?;
        if split != Split::Train {
            return Ok(None);
        }
        let mut rows = Rows::new(&self.file, "row of the task");
        for (index, example) in task.train.iter().enumerate() {
            rows.push(index + 1, Ok(Some(example.clone())));
        }
        Ok(Some(rows))
    }
}
