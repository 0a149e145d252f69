//! What is asked of many cells at once, in one file: `index.parquet` in the experiment's folder.
//!
//! It only saves time. A cell is read when it is new, or its manifest changed; a cell that is gone is left out; without the
//! file everything is read. Whoever cannot write it does without.

use std::collections::HashMap;
use std::fs;
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use sapo_metrics::Convention;

use crate::cell::{CellId, CellSpec};
use crate::parquet::{Field, Row, read_rows, row, write_rows};
use crate::store::{Store, StoreError};

const INDEX: &str = "index.parquet";
/// The metric of the transfer matrix, as the paper's.
const METRIC: &str = "rouge_l";

/// The stored cells of an experiment.
#[derive(Debug)]
pub struct Index {
    /// In the order of their names.
    pub cells: Vec<IndexedCell>,
    /// Cells that cannot be read, and why.
    pub unreadable: Vec<(CellId, StoreError)>,
}

/// What the index knows of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedCell {
    /// Its name.
    pub id: String,
    /// Changes with the manifest: nanoseconds since 1970.
    changed: u64,
    /// Every axis, `arm=sapo`, outermost first.
    pub axes: Vec<String>,
    /// When it was finished (RFC 3339, UTC).
    pub finished: String,
    /// Seconds of the process that finished it.
    pub wall_seconds: f64,
    /// Processes that worked at it.
    pub attempts: u64,
    /// Whether it was made with fewer examples than the experiment says.
    pub limited: bool,
    /// AP of ROUGE-L, 0-100; absent where the cell holds no whole transfer matrix.
    pub ap: Option<f64>,
    /// BWT of ROUGE-L as released.
    pub bwt: Option<f64>,
    /// FWT of ROUGE-L as released.
    pub fwt: Option<f64>,
}

row!(
    IndexedCell,
    id: String, changed: u64, axes: Vec<String>, finished: String, wall_seconds: f64, attempts: u64, limited: bool,
    ap: Option<f64>, bwt: Option<f64>, fwt: Option<f64>
);

impl IndexedCell {
    /// The value of one axis.
    #[must_use]
    pub fn axis(&self, name: &str) -> Option<&str> {
        self.axes
            .iter()
            .find_map(|axis| axis.split_once('=').filter(|(axis, _)| *axis == name))
            .map(|(_, value)| value)
    }
}

impl Index {
    /// The index of a store as it is now; cells that are new to it are read.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the folder cannot be listed.
    pub fn of(store: &Store) -> Result<Self, StoreError> {
        let path = store.folder().join(INDEX);
        let known: Vec<IndexedCell> = read_rows(&path).unwrap_or_default();
        let known: HashMap<&str, &IndexedCell> = known.iter().map(|cell| (cell.id.as_str(), cell)).collect();
        let stored = store.stored()?;
        let read = |id: &CellId| -> Result<(IndexedCell, bool), (CellId, StoreError)> {
            let changed = changed(store, id);
            match known.get(id.as_str()) {
                Some(cell) if cell.changed == changed => Ok(((*cell).clone(), false)),
                _ => Ok((indexed(store, id, changed).map_err(|error| (id.clone(), error))?, true)),
            }
        };
        let (mut cells, mut unreadable, mut news) = (Vec::new(), Vec::new(), stored.len() != known.len());
        for read in stored.par_iter().map(read).collect::<Vec<_>>() {
            match read {
                Ok((cell, is_new)) => {
                    news |= is_new;
                    cells.push(cell);
                }
                Err(problem) => unreadable.push(problem),
            }
        }
        if news {
            // it only saves time
            let _ = write_rows(&path, &cells);
        }
        Ok(Self { cells, unreadable })
    }
}

fn changed(store: &Store, id: &CellId) -> u64 {
    let manifest = store.cell_folder(id).join("manifest.json");
    let modified = fs::metadata(manifest).and_then(|file| file.modified()).ok();
    modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_nanos() as u64)
}

fn indexed(store: &Store, id: &CellId, changed: u64) -> Result<IndexedCell, StoreError> {
    let manifest = store.manifest(id)?;
    let scores = store.scores(id)?;
    let transfer = crate::RunRecord { scores, ..crate::RunRecord::default() }
        .matrix(METRIC)
        .and_then(|matrix| matrix.transfer(Convention::Released))
        .ok();
    let axes =
        |cell: &CellSpec| cell.axes().into_iter().map(|(axis, value)| format!("{axis}={value}")).collect();
    Ok(IndexedCell {
        id: id.to_string(),
        changed,
        axes: axes(&manifest.cell),
        finished: manifest.provenance.finished,
        wall_seconds: manifest.provenance.wall_seconds,
        attempts: manifest.provenance.notes.get("attempts").and_then(serde_json::Value::as_u64).unwrap_or(1),
        limited: manifest.cell.config()["limited"].as_bool().unwrap_or(false),
        ap: transfer.map(|transfer| transfer.ap),
        bwt: transfer.and_then(|transfer| transfer.bwt),
        fwt: transfer.and_then(|transfer| transfer.fwt),
    })
}
