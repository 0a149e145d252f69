//! Names of tasks for plots, and the folder of the data.

use std::path::PathBuf;

use anyhow::Context;

/// A short name for plots: `task195_sentiment140_classification` becomes `195 sentiment140`.
pub fn short_name(task: &str) -> String {
    match task.strip_prefix("task").and_then(|rest| rest.split_once('_')) {
        Some((number, rest)) => format!("{number} {}", rest.split('_').next().unwrap_or(rest)),
        None => task.replace('-', " "),
    }
}

/// The folder with the data as the user gave it, made absolute, so that workers find it.
pub fn absolute(path: Option<&PathBuf>) -> anyhow::Result<Option<PathBuf>> {
    path.map(|path| std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display())))
        .transpose()
}
