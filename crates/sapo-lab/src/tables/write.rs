//! The files of a table.

use super::{Table, TableError};
use polars_core::prelude::PolarsResult;
use sapo_files::whole;
use std::path::{Path, PathBuf};

/// Where a table was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFiles {
    /// For machines, typed.
    pub parquet: PathBuf,
    /// For machines and spreadsheets.
    pub csv: PathBuf,
    /// For notebooks and the web.
    pub markdown: PathBuf,
    /// For papers.
    pub latex: PathBuf,
}

impl Table {
    /// Writes `<folder>/<name>.parquet`, `.csv`, `.md` and `.tex`, each whole or not at all, with the same bytes each
    /// time.
    ///
    /// # Errors
    /// [`TableError::Encode`] and [`TableError::Io`] with the path of the file.
    pub fn write_all(&self, folder: impl AsRef<Path>) -> Result<TableFiles, TableError> {
        let save = |extension: &str, encoded: PolarsResult<Vec<u8>>| {
            let path = folder.as_ref().join(format!("{}.{extension}", self.name));
            let bytes = encoded.map_err(|source| TableError::Encode { path: path.clone(), source })?;
            match whole::write(&path, &bytes) {
                Ok(()) => Ok(path),
                Err(source) => Err(TableError::Io { path, source }),
            }
        };
        Ok(TableFiles {
            parquet: save("parquet", self.parquet())?,
            csv: save("csv", self.csv())?,
            markdown: save("md", Ok(self.to_markdown().into_bytes()))?,
            latex: save("tex", Ok(self.to_latex().into_bytes()))?,
        })
    }
}
