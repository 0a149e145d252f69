//! From the folder of an experiment's runs to a promoted folder.

use std::fs;
use std::path::Path;

use sapo_files::{folder, whole};

use super::error::NotebookError;
use super::promoted::{LeftOut, Promoted, figure, markdown, parquet};

/// A table whose Parquet or Markdown file is larger stays with the runs.
///
/// # Units
/// Bytes.
pub const MOST_BYTES: u64 = 200_000;

/// What is to be promoted.
#[derive(Debug)]
pub struct Promotion<'a> {
    /// The folder of the experiment's runs.
    pub runs: &'a Path,
    /// Names of the tables that the run has written.
    pub tables: Vec<String>,
    /// Names of the figures that are wanted.
    pub figures: Vec<String>,
    /// What the run has written besides, and why it stays there.
    pub left_out: Vec<LeftOut>,
    /// What the folder says of itself; its tables, figures and what was left out are filled in here.
    pub promoted: Promoted,
}

impl Promotion<'_> {
    /// Copies tables and figures into `folder`, removes what an earlier promotion left there, and says what there is now.
    ///
    /// # Errors
    /// [`NotebookError`] with the path of the file.
    pub fn write(self, folder: &Path) -> Result<Promoted, NotebookError> {
        let Self { runs, tables, figures, mut left_out, mut promoted } = self;
        for table in tables {
            let (from, text) = (parquet(runs, &table), markdown(runs, &table));
            let larger = [&from, &text].into_iter().map(|path| bytes(path)).collect::<Result<Vec<_>, _>>()?;
            if larger.into_iter().any(|bytes| bytes > MOST_BYTES) {
                left_out.push(LeftOut::table(&table, &format!("larger than {} kB", MOST_BYTES / 1000)));
                continue;
            }
            copy(&from, &parquet(folder, &table))?;
            let text = fs::read_to_string(&text).map_err(NotebookError::io(&text, "read"))?;
            let text = if promoted.quick { marked(&text, promoted.seeds) } else { text };
            let path = markdown(folder, &table);
            whole::write(&path, text.as_bytes()).map_err(NotebookError::io(&path, "write"))?;
            promoted.tables.push(table);
        }
        for name in figures {
            copy(&runs.join("plots").join(format!("{name}.png")), &figure(folder, &name))?;
            promoted.figures.push(name);
        }
        promoted.left_out = left_out;
        promoted.write(folder)?;
        keep(&folder.join("tables"), &["parquet", "md"], &promoted.tables)?;
        keep(&folder.join("figures"), &["png"], &promoted.figures)?;
        Ok(promoted)
    }
}

/// The Markdown of a table with a mark before its caption.
fn marked(text: &str, seeds: Option<usize>) -> String {
    let mark = match seeds {
        Some(1) => "QUICK: 1 seed.".to_owned(),
        Some(seeds) => format!("QUICK: {seeds} seeds."),
        None => "QUICK.".to_owned(),
    };
    match text.split_once("\n\n") {
        Some((table, caption)) => format!("{table}\n\n{mark} {caption}"),
        None => format!("{}\n\n{mark}\n", text.trim_end()),
    }
}

fn bytes(path: &Path) -> Result<u64, NotebookError> {
    fs::metadata(path).map(|data| data.len()).map_err(NotebookError::io(path, "read"))
}

fn copy(from: &Path, to: &Path) -> Result<(), NotebookError> {
    let bytes = fs::read(from).map_err(NotebookError::io(from, "read"))?;
    whole::write(to, &bytes).map_err(NotebookError::io(to, "write"))
}

/// Removes every file of a folder but those of these names and endings.
fn keep(folder: &Path, endings: &[&str], names: &[String]) -> Result<(), NotebookError> {
    let is_kept = |file: &str| {
        let (name, ending) = file.rsplit_once('.').unwrap_or((file, ""));
        endings.contains(&ending) && names.iter().any(|kept| kept == name)
    };
    folder::clear(folder, |file| !is_kept(file))?;
    Ok(())
}
