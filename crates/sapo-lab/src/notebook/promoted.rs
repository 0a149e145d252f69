//! A promoted folder: `promoted.json` and what it names.

use std::path::{Path, PathBuf};

use sapo_files::whole;
use serde::{Deserialize, Serialize};

use super::error::NotebookError;
use super::origin::Origin;
use crate::versioned::{self, Unusable};

/// Version of `promoted.json` that this program writes, and the newest that it reads.
pub const VERSION: u64 = 1;

const FILE: &str = "promoted.json";

/// What lies in a promoted folder and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promoted {
    /// Version of the file, [`VERSION`].
    pub version: u64,
    /// Name of the experiment.
    pub experiment: String,
    /// Its scale.
    pub scale: String,
    /// What it wants to know, in one line.
    pub question: String,
    /// The command that computed it.
    pub command: String,
    /// Whether it was made with fewer seeds than the experiment has.
    pub quick: bool,
    /// Number of seeds; absent where the experiment has none.
    pub seeds: Option<usize>,
    /// What made it.
    pub origin: Origin,
    /// Names of the tables, in `tables/<name>.parquet` and `.md`.
    pub tables: Vec<String>,
    /// Names of the figures, in `figures/<name>.png`.
    pub figures: Vec<String>,
    /// What the experiment wrote besides.
    pub left_out: Vec<LeftOut>,
}

/// A table or figure that was not promoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name, as `choices.parquet`.
    pub name: String,
    /// Why.
    pub why: String,
}

impl LeftOut {
    /// A table.
    pub fn table(name: &str, why: &str) -> Self {
        Self { name: format!("{name}.parquet"), why: why.to_owned() }
    }

    /// A figure.
    pub fn figure(name: &str, why: &str) -> Self {
        Self { name: format!("{name}.png"), why: why.to_owned() }
    }
}

impl Promoted {
    /// Reads the folder of one experiment and scale; none where nothing has been promoted.
    ///
    /// # Errors
    /// [`NotebookError`] where it cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, NotebookError> {
        let path = folder.join(FILE);
        versioned::read(&path, VERSION).map_err(|unusable| match unusable {
            Unusable::Io(source) => NotebookError::io(&path, "read")(source),
            Unusable::Newer(got) => NotebookError::Newer { path, got, known: VERSION },
            Unusable::Damaged(source) => NotebookError::Damaged { path, source },
        })
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), NotebookError> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|source| NotebookError::Encode { path: path.clone(), source })?;
        whole::write(&path, (text + "\n").as_bytes()).map_err(NotebookError::io(&path, "write"))
    }
}

/// The Parquet file of a table.
pub(super) fn parquet(folder: &Path, table: &str) -> PathBuf {
    folder.join("tables").join(format!("{table}.parquet"))
}

/// A table in Markdown.
pub(super) fn markdown(folder: &Path, table: &str) -> PathBuf {
    folder.join("tables").join(format!("{table}.md"))
}

/// A figure.
pub(super) fn figure(folder: &Path, name: &str) -> PathBuf {
    folder.join("figures").join(format!("{name}.png"))
}
