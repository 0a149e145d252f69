//! A task of the user's own: rows in a file, an instruction, and what stands after the input.

use std::path::Path;

use clap::{Args, ValueEnum};
use sapo_tasks::{Instruction, Language, Task, TaskKind};

/// How the text of an example is laid out, but for the instruction.
#[derive(Debug, Args)]
pub(crate) struct LayoutArgs {
    /// Text after the input, the same for every wording, such as "Answer yes or no."
    #[arg(long, value_name = "TEXT")]
    suffix: Option<String>,
    /// Language of the layout: the word before the input is "Text:" or "文本:"
    #[arg(long, default_value = "english")]
    language: LayoutLanguage,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayoutLanguage {
    English,
    Chinese,
}

impl From<LayoutLanguage> for Language {
    fn from(language: LayoutLanguage) -> Self {
        match language {
            LayoutLanguage::English => Self::English,
            LayoutLanguage::Chinese => Self::Chinese,
        }
    }
}

impl LayoutArgs {
    /// The task whose rows are in the file at `data`, without its rows.
    pub(crate) fn task(&self, data: &Path, instruction: Instruction, labels: &[String]) -> Task {
        Task {
            name: data.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
            kind: if labels.is_empty() { TaskKind::Generation } else { TaskKind::Classification },
            language: self.language.into(),
            instruction,
            suffix: self.suffix.clone(),
            labels: labels.to_vec(),
            native_metric: None,
            train: Vec::new(),
            dev: Vec::new(),
            test: Vec::new(),
        }
    }
}
