//! A cell on its way into the store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sapo_files::{checksum, whole};
use serde::{Deserialize, Serialize};

use super::error::io_error;
use super::{ARTIFACTS, MANIFEST, Store, StoreError};
use crate::cell::{CellId, CellSpec};
use crate::lock::Lock;
use crate::manifest::{FileEntry, Manifest, VERSION};
use crate::parquet;
use crate::provenance::{Program, Provenance};
use crate::record::RunRecord;

const PROGRESS: &str = "progress";
const ATTEMPTS: &str = "attempts.json";
/// The note of a cell that was computed by another experiment: which.
const TAKEN_OVER_FROM: &str = "taken_over_from";

/// A cell being computed by this process, which holds its lock. Dropped before the commit, it leaves its progress, if
/// there is any, and otherwise nothing.
#[derive(Debug)]
pub struct Staging {
    store: Store,
    cell: CellSpec,
    folder: PathBuf,
    _lock: Lock,
}

impl Staging {
    /// The staging of a cell whose lock is held, with the progress that earlier processes left.
    pub(super) fn begin(store: &Store, cell: &CellSpec, lock: Lock) -> Result<Self, StoreError> {
        let folder = store.staging().join(cell.id().as_str());
        let staging = Self { store: store.clone(), cell: cell.clone(), folder, _lock: lock };
        if !has_progress(&staging.folder) {
            discard(&staging.folder)?; // whoever held the lock before died after the sweep at our start
        }
        staging.make_folders()?;
        Ok(staging)
    }

    /// The folder for files besides the tables (adapters, checkpoints).
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.cell_folder().join(ARTIFACTS)
    }

    /// The folder for what is done so far; it goes when the cell appears.
    #[must_use]
    pub fn progress(&self) -> PathBuf {
        self.folder.join(PROGRESS)
    }

    /// Goes on from the progress that is there, if this very program made it, and otherwise begins anew: a cell is made by
    /// one program. Returns how many processes have worked at the cell, this one included.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn go_on(&self, program: &Program) -> Result<u64, StoreError> {
        let path = self.folder.join(ATTEMPTS);
        let earlier = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Attempts>(&text).ok());
        let attempts = match earlier {
            Some(earlier) if earlier.program == *program => {
                remove_half_written(&self.folder)?;
                earlier.attempts + 1
            }
            found => {
                if found.is_some() {
                    tracing::warn!("cell {}: begun by another program, computed anew", self.cell.id());
                }
                if has_progress(&self.folder) {
                    discard(&self.folder)?; // without progress nothing is left of it, see `begin`
                    self.make_folders()?;
                }
                1
            }
        };
        let text = serde_json::to_vec(&Attempts { program: program.clone(), attempts })
            .map_err(|error| io_error(&path, "write")(error.into()))?;
        whole::replace(&path, &text).map_err(io_error(&path, "write"))?;
        self.sync_beside(path);
        Ok(attempts)
    }

    /// Syncs who works at the cell while the cell is computed: without it, progress that survives a loss of power would
    /// be nobody's.
    fn sync_beside(&self, attempts: PathBuf) {
        let folder = self.folder.clone();
        std::thread::spawn(move || {
            let synced = File::open(&attempts).and_then(|file| file.sync_all());
            if let Err(error) = synced.and_then(|()| whole::sync_folder(&folder)) {
                tracing::debug!("{} is not synced: {error}", attempts.display());
            }
        });
    }

    /// Makes the cell appear in the store.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Table`]; the cell is then absent.
    pub fn commit(self, record: &RunRecord, provenance: Provenance) -> Result<(), StoreError> {
        let folder = self.cell_folder();
        parquet::write(&folder, record)?;
        // An empty artifacts folder says nothing; a full one stays.
        let _ = fs::remove_dir(self.artifacts());
        // a process may have been killed between the manifest and the rename
        remove_file(&folder.join(MANIFEST))?;
        let files = sync_tree(&folder)?;
        self.seal(VERSION, provenance, files)
    }

    /// Makes the cell appear as it is stored in another experiment: same files, under a manifest of this one. Files are
    /// linked where the file system can, else copied; both are checked against what was stored.
    ///
    /// # Errors
    /// As [`Store::load`] and [`Staging::commit`]; the cell is then absent.
    pub(crate) fn take_over(self, from: &Store) -> Result<(), StoreError> {
        let id = self.cell.id();
        let Manifest { version, mut provenance, files, .. } = from.manifest(&id)?;
        let (source, folder) = (from.cell_folder(&id), self.cell_folder());
        // beside what an earlier process has begun to compute, which is gone on with where this fails
        let taken = self.folder.join("taken");
        discard(&taken)?;
        let take = || {
            files.keys().try_for_each(|name| link_or_copy(&source.join(name), &taken.join(name)))?;
            if sync_tree(&taken)? == files {
                return Ok(());
            }
            let what = "its files are not those that were stored".to_owned();
            Err(StoreError::Damaged { path: source.clone(), what, folder: source.clone() })
        };
        if let Err(error) = take() {
            discard(&taken)?;
            return Err(error);
        }
        discard(&folder)?;
        fs::rename(&taken, &folder).map_err(io_error(&folder, "create"))?;
        provenance.notes.entry(TAKEN_OVER_FROM.to_owned()).or_insert_with(|| from.experiment.clone().into());
        self.seal(version, provenance, files)
    }

    /// Writes the manifest of the files that are there, which makes them the cell.
    fn seal(
        self,
        version: u64,
        provenance: Provenance,
        files: BTreeMap<String, FileEntry>,
    ) -> Result<(), StoreError> {
        let (id, path) = (self.cell.id(), self.cell_folder().join(MANIFEST));
        let manifest = Manifest {
            version,
            experiment: self.store.experiment.clone(),
            id: id.clone(),
            cell: self.cell.clone(),
            provenance,
            files,
        };
        let text = manifest.to_text().map_err(|source| StoreError::Manifest { id: id.clone(), source })?;
        whole::write(&path, text.as_bytes()).map_err(io_error(&path, "write"))?;
        self.appear(&id)?;
        discard(&self.folder)
    }

    fn appear(&self, id: &CellId) -> Result<(), StoreError> {
        let (folder, target) = (self.cell_folder(), self.store.cell_folder(id));
        if fs::rename(&folder, &target).is_err() {
            // Something is there. A whole cell is as good as ours; a folder without a manifest is nobody's.
            if self.store.contains(id) {
                return Ok(());
            }
            self.store.remove(id)?;
            fs::rename(&folder, &target).map_err(io_error(&target, "create"))?;
        }
        whole::sync_folder(&self.store.folder).map_err(io_error(&self.store.folder, "sync"))
    }

    /// What will be the cell's folder.
    fn cell_folder(&self) -> PathBuf {
        self.folder.join("cell")
    }

    fn make_folders(&self) -> Result<(), StoreError> {
        [self.artifacts(), self.progress()]
            .iter()
            .try_for_each(|folder| fs::create_dir_all(folder).map_err(io_error(folder, "create")))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !has_progress(&self.folder) {
            // What cannot be removed now is swept by the next start; after a commit there is nothing.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Who worked at a cell.
#[derive(Serialize, Deserialize)]
struct Attempts {
    program: Program,
    attempts: u64,
}

/// How the names of half-written files begin: ours, and those of the crate that writes safetensors.
const HALF_WRITTEN: [&str; 2] = [whole::HALF_WRITTEN, ".tmp"];

/// Removes files that a killed process was writing beside their places.
fn remove_half_written(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(io_error(folder, "list"))? {
        let path = entry.map_err(io_error(folder, "list"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            remove_half_written(&path)?;
        } else if HALF_WRITTEN.iter().any(|begins| name.starts_with(begins)) {
            remove_file(&path)?;
        }
    }
    Ok(())
}

fn link_or_copy(source: &Path, target: &Path) -> Result<(), StoreError> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(io_error(folder, "create"))?;
    }
    fs::hard_link(source, target)
        .or_else(|_| fs::copy(source, target).map(drop))
        .map_err(io_error(source, "copy"))
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, "remove")(error)),
        _ => Ok(()),
    }
}

/// Syncs every file and folder under `top` and notes the files by their path relative to it. Files are synced side by
/// side, so that the disk may take them in one go.
fn sync_tree(top: &Path) -> Result<BTreeMap<String, FileEntry>, StoreError> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    list_tree(top, &mut files, &mut folders)?;
    let entry = |path: &PathBuf| {
        File::open(path).and_then(|file| file.sync_all()).map_err(io_error(path, "sync"))?;
        let (bytes, sha256) = checksum::of_file(path).map_err(io_error(path, "read"))?;
        let name = path.strip_prefix(top).unwrap_or(path).to_string_lossy().into_owned();
        Ok((name, FileEntry { bytes, sha256 }))
    };
    let entries = files.par_iter().map(entry).collect::<Result<_, StoreError>>()?;
    folders.par_iter().try_for_each(|folder| whole::sync_folder(folder).map_err(io_error(folder, "sync")))?;
    Ok(entries)
}

fn list_tree(folder: &Path, files: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    folders.push(folder.to_owned());
    for entry in fs::read_dir(folder).map_err(io_error(folder, "list"))? {
        let path = entry.map_err(io_error(folder, "list"))?.path();
        if path.is_dir() { list_tree(&path, files, folders)? } else { files.push(path) }
    }
    Ok(())
}

/// Whether a staging holds anything that a later process could go on from.
pub(super) fn has_progress(staging: &Path) -> bool {
    fs::read_dir(staging.join(PROGRESS)).is_ok_and(|mut entries| entries.next().is_some())
}

pub(super) fn discard(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, "remove")(error)),
        _ => Ok(()),
    }
}
