//! A training file with the chosen wording, for any trainer.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;
use sapo_files::whole;
use sapo_model::TextFormat;
use sapo_tasks::{Instruction, Task, layout};
use serde_json::json;

use crate::jsonl::TaskLine;

/// What a line of the file is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ExportForm {
    /// {"prompt", "completion"}
    Prompt,
    /// {"messages": [{"role": "user", ...}, {"role": "assistant", ...}]}
    Chat,
}

/// Writes the rows under the wording; the file appears whole or not at all.
///
/// For a model without a chat template a prompt ends with the newline that stands before its target, so that prompt and
/// completion together are the text that was measured.
pub(super) fn write<'a>(
    path: &Path,
    (form, text): (ExportForm, TextFormat),
    task: &Task,
    wording: &Instruction,
    rows: impl Iterator<Item = &'a TaskLine>,
) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for TaskLine { input, target } in rows {
        let prompt = layout::prompt(task, wording, input);
        let line = match form {
            ExportForm::Prompt if text == TextFormat::Plain => {
                json!({"prompt": format!("{prompt}\n"), "completion": target})
            }
            ExportForm::Prompt => json!({"prompt": prompt, "completion": target}),
            ExportForm::Chat => json!({"messages": [{"role": "user", "content": prompt},
                                                    {"role": "assistant", "content": target}]}),
        };
        writeln!(lines, "{line}")?;
    }
    whole::write(path, &lines).with_context(|| format!("{}: cannot write", path.display()))
}
