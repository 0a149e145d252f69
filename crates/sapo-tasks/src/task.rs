use sapo_prompts::Instruction;
use serde::{Deserialize, Serialize};

/// One input with the answers that count as right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The text the instruction is about.
    pub input: String,
    /// Accepted answers, at least one; training uses the first.
    pub targets: Vec<String>,
}

impl Example {
    /// An example with one accepted answer.
    pub fn new(input: impl Into<String>, target: impl Into<String>) -> Self {
        Self { input: input.into(), targets: vec![target.into()] }
    }

    /// The answer that training uses.
    pub fn target(&self) -> &str {
        self.targets.first().map_or("", String::as_str)
    }
}

/// Whether a task's answer is free text or one of a few labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Free text.
    Generation,
    /// One of [`Task::labels`].
    Classification,
}

/// The language of a task's instruction, which decides the word before the input in the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// `Text:`
    #[default]
    English,
    /// `文本:`
    Chinese,
}

/// A task as the paper has it: an original instruction, a fixed suffix, and examples in three splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The name in its benchmark, for example `task195_sentiment140_classification`.
    pub name: String,
    /// Generation or classification.
    pub kind: TaskKind,
    /// Language of the instruction.
    pub language: Language,
    /// The original wording.
    pub instruction: Instruction,
    /// The fixed output suffix ("Directly output only A or B as your answer."), never varied.
    pub suffix: Option<String>,
    /// Words that an instruction must keep letter for letter; empty for generation.
    pub labels: Vec<String>,
    /// Name of the metric by which the task's own benchmark scores it, where it has one; ROUGE-L and exact match are
    /// measured of every task.
    pub native_metric: Option<String>,
    /// Rows to train on.
    pub train: Vec<Example>,
    /// Rows for choosing settings.
    pub dev: Vec<Example>,
    /// Rows that are scored.
    pub test: Vec<Example>,
}

impl Task {
    /// The same task with at most `train` rows to train on and at most `eval` rows of each of dev and test: the first
    /// ones, as the paper takes them. `None` keeps all.
    pub fn limited(mut self, train: Option<usize>, eval: Option<usize>) -> Self {
        self.train.truncate(train.unwrap_or(usize::MAX));
        self.dev.truncate(eval.unwrap_or(usize::MAX));
        self.test.truncate(eval.unwrap_or(usize::MAX));
        self
    }
}

/// Tasks in the order in which they are trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStream {
    /// The name of the sequence, for example `ni-seq-c1`.
    pub name: String,
    /// At least one task.
    pub tasks: Vec<Task>,
}

impl TaskStream {
    /// The same stream with every task limited as by [`Task::limited`].
    pub fn limited(self, train: Option<usize>, eval: Option<usize>) -> Self {
        let tasks = self.tasks.into_iter().map(|task| task.limited(train, eval)).collect();
        Self { name: self.name, tasks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_take_the_first_rows() {
        let rows = |n: usize| (0..n).map(|i| Example::new(i.to_string(), "x")).collect::<Vec<_>>();
        let task = Task {
            name: "t".into(),
            kind: TaskKind::Generation,
            language: Language::English,
            instruction: Instruction::new("Say it."),
            suffix: None,
            labels: vec![],
            native_metric: None,
            train: rows(5),
            dev: rows(4),
            test: rows(1),
        };
        let sizes = |task: &Task| (task.train.len(), task.dev.len(), task.test.len());
        assert_eq!(sizes(&task.clone().limited(Some(3), Some(2))), (3, 2, 1));
        assert_eq!(sizes(&task.clone().limited(None, Some(0))), (5, 0, 0));
        assert_eq!(task.clone().limited(Some(2), None).train, rows(2));
        let stream = TaskStream { name: "s".into(), tasks: vec![task.clone(), task] };
        assert!(stream.limited(Some(1), None).tasks.iter().all(|task| sizes(task) == (1, 4, 1)));
    }
}
