//! What is asked of many cells at once, in one file: `index.parquet` in the experiment's folder.
//!
//! It only saves time. A cell is read when it is new, or its manifest changed; a cell that is gone is left out; without the
//! file everything is read. Whoever cannot write it does without.

use std::collections::HashMap;
use std::fs;
use std::time::UNIX_EPOCH;

use itertools::Itertools;
use rayon::prelude::*;
use sapo_files::{checksum, whole};
use sapo_metrics::{Convention, Metric};

use crate::cell::CellId;
use crate::manifest::Manifest;
use crate::parquet::{Field, Row, read_rows, read_scores_and_usage, row, write_rows};
use crate::record::{RunRecord, Score, Usage};
use crate::store::{Store, StoreError};

const INDEX: &str = "index.parquet";
/// The checksum of the index: a damaged one is as good as none.
const SEAL: &str = "index.sha256";
/// The metric of the transfer matrix, as the paper's.
const METRIC: &str = Metric::RougeL.name();

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
    /// Seconds of all processes that worked at it, loading the model excepted.
    pub usage_seconds: f64,
    /// Tokens that went forward through the model.
    pub forward_tokens: u64,
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
    id: String, changed: u64, axes: Vec<String>, finished: String, wall_seconds: f64,
    usage_seconds: f64, forward_tokens: u64, attempts: u64, limited: bool, ap: Option<f64>, bwt: Option<f64>, fwt: Option<f64>
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
        let known = kept(store).unwrap_or_default();
        let known: HashMap<&str, &IndexedCell> = known.iter().map(|cell| (cell.id.as_str(), cell)).collect();
        let (old, new): (Vec<_>, Vec<_>) =
            store.stored()?.into_iter().map(|id| (changed(store, &id), id)).partition(|(changed, id)| {
                known.get(id.as_str()).is_some_and(|cell| cell.changed == *changed)
            });
        let news = !new.is_empty() || old.len() != known.len();
        let mut cells: Vec<IndexedCell> =
            old.iter().filter_map(|(_, id)| known.get(id.as_str()).map(|cell| (*cell).clone())).collect();
        let read: Vec<_> = new.into_par_iter().map(|(changed, id)| index_cell(store, changed, id)).collect();
        let (new, unreadable): (Vec<_>, Vec<_>) = read.into_iter().partition_result();
        cells.extend(new);
        cells.sort_by(|a, b| a.id.cmp(&b.id));
        if news {
            keep(store, &cells);
        }
        Ok(Self { cells, unreadable })
    }
}

/// The index that was kept, if it is as it was written.
fn kept(store: &Store) -> Option<Vec<IndexedCell>> {
    let path = store.folder().join(INDEX);
    let (_, found) = checksum::of_file(&path).ok()?;
    let seal = fs::read_to_string(store.folder().join(SEAL)).ok()?;
    (seal == found).then(|| read_rows(&path).ok()).flatten()
}

/// Keeps the index, where that can be done: it only saves time.
fn keep(store: &Store, cells: &[IndexedCell]) {
    let path = store.folder().join(INDEX);
    if write_rows(&path, cells).is_ok()
        && let Ok((_, sum)) = checksum::of_file(&path)
    {
        let _ = whole::write(&store.folder().join(SEAL), sum.as_bytes());
    }
}

fn changed(store: &Store, id: &CellId) -> u64 {
    let modified = fs::metadata(store.manifest_file(id)).and_then(|file| file.modified()).ok();
    modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_nanos() as u64)
}

/// Reads a cell that is new to the index.
fn index_cell(store: &Store, changed: u64, id: CellId) -> Result<IndexedCell, (CellId, StoreError)> {
    let read = || {
        let manifest = store.manifest(&id)?;
        let folder = store.cell_folder(&id);
        let (scores, usage) = read_scores_and_usage(&folder).map_err(|error| StoreError::Damaged {
            path: folder.clone(),
            what: error.to_string(),
            folder,
        })?;
        Ok(indexed(changed, manifest, scores, &usage))
    };
    read().map_err(|error| (id.clone(), error))
}

fn indexed(changed: u64, manifest: Manifest, scores: Vec<Score>, usage: &[Usage]) -> IndexedCell {
    let matrix = RunRecord { scores, ..RunRecord::default() }.matrix(METRIC);
    let transfer = matrix.and_then(|matrix| matrix.transfer(Convention::Released)).ok();
    let origin = manifest.provenance;
    IndexedCell {
        id: manifest.id.to_string(),
        changed,
        axes: manifest.cell.pairs(),
        finished: origin.finished,
        wall_seconds: origin.wall_seconds,
        usage_seconds: usage.iter().map(|row| row.seconds).sum(),
        forward_tokens: usage.iter().map(|row| row.forward_tokens).sum(),
        attempts: origin.notes.get("attempts").and_then(serde_json::Value::as_u64).unwrap_or(1),
        limited: manifest.cell.limited(),
        ap: transfer.map(|transfer| transfer.ap),
        bwt: transfer.and_then(|transfer| transfer.bwt),
        fwt: transfer.and_then(|transfer| transfer.fwt),
    }
}
