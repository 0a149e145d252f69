//! The cells of one experiment on disk: each is whole or absent.
//!
//! ```text
//! runs/<experiment>/<cell id>/            manifest.json, *.parquet, artifacts/
//! runs/<experiment>/.staging/<cell id>/   a cell being computed: cell/ is what will appear, progress/ what is done so far
//! runs/<experiment>/.locks/               who computes what now
//! runs/<experiment>/logs/                 what each worker printed
//! ```
//!
//! A cell is written under `.staging`, every file is synced, the manifest with their checksums comes last, and one rename
//! makes it appear. So a kill at any instant leaves either the cell or its staging. Staging belongs to whoever holds the
//! cell's lock. Without a live lock it waits for the next one who claims the cell, who goes on from its progress; without
//! progress it is rubbish, which the next start sweeps away.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cell::{CellId, CellSpec};
use crate::checksum;
use crate::files::{sync_folder, write_whole};
use crate::lock::{Holder, Lock, Locks};
use crate::manifest::{FileEntry, Manifest, Unreadable, VERSION};
use crate::parquet::{self, ParquetError};
use crate::provenance::{Program, Provenance};
use crate::record::RunRecord;

/// What can go wrong with the store; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A table could not be written or read.
    #[error(transparent)]
    Table(#[from] ParquetError),
    /// The manifest could not be put into words.
    #[error("cannot write the manifest of cell {id}: {source}")]
    Manifest {
        /// The cell.
        id: CellId,
        /// The reason.
        source: serde_json::Error,
    },
    /// A newer program wrote the cell.
    #[error(
        "{path} has layout version {got}, this program reads up to {VERSION}; upgrade the program to read it"
    )]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        got: u64,
    },
    /// A stored file is not what was written.
    #[error("{path} is damaged: {what}; delete the folder {folder} and run again to compute the cell anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// The cell's folder.
        folder: PathBuf,
    },
    /// The name of an experiment is a folder's name.
    #[error("an experiment is named by letters, digits, `-`, `_` and `.` (not first), got `{got}`")]
    BadName {
        /// What was given.
        got: String,
    },
}

impl StoreError {
    /// The file or folder that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. } | Self::Newer { path, .. } | Self::Damaged { path, .. } => Some(path),
            Self::Table(error) => error.path(),
            Self::Manifest { .. } | Self::BadName { .. } => None,
        }
    }
}

fn io_error(path: &Path, operation: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { path, operation, source }
}

/// The stored cells of one experiment.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    experiment: String,
    folder: PathBuf,
    locks: Locks,
}

/// What came of asking for a cell to compute.
#[derive(Debug)]
pub enum Claim {
    /// It is there already.
    Stored,
    /// A live process computes it.
    Held(Holder),
    /// It is ours until the staging is committed or dropped.
    Granted(Box<Staging>),
}

/// A cell as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// Configuration and axes.
    pub cell: CellSpec,
    /// What made it.
    pub provenance: Provenance,
    /// What it found.
    pub record: RunRecord,
    /// Where it lies.
    pub folder: PathBuf,
}

impl StoredRun {
    /// The value of one axis as text.
    #[must_use]
    pub fn axis(&self, name: &str) -> Option<String> {
        self.cell.axis(name)
    }

    /// A file that the cell kept besides its tables.
    #[must_use]
    pub fn artifact(&self, name: &str) -> PathBuf {
        self.folder.join(ARTIFACTS).join(name)
    }

    /// Whether it was made with fewer examples than the experiment says.
    #[must_use]
    pub fn limited(&self) -> bool {
        self.cell.config()["limited"].as_bool().unwrap_or(false)
    }
}

const MANIFEST: &str = "manifest.json";
const ARTIFACTS: &str = "artifacts";
const PROGRESS: &str = "progress";
const ATTEMPTS: &str = "attempts.json";

impl Store {
    /// The store of `experiment` under `root`; nothing is touched yet.
    ///
    /// # Errors
    /// [`StoreError::BadName`].
    pub fn open(root: &Path, experiment: &str) -> Result<Self, StoreError> {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if experiment.is_empty() || experiment.starts_with('.') || !experiment.bytes().all(fine) {
            return Err(StoreError::BadName { got: experiment.to_owned() });
        }
        let folder = root.join(experiment);
        let locks = Locks::new(folder.join(".locks"));
        Ok(Self { root: root.to_owned(), experiment: experiment.to_owned(), folder, locks })
    }

    /// The folder that holds the folders of all experiments.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Name of the experiment.
    #[must_use]
    pub fn experiment(&self) -> &str {
        &self.experiment
    }

    /// The experiment's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a cell, stored or not.
    #[must_use]
    pub fn cell_folder(&self, id: &CellId) -> PathBuf {
        self.folder.join(id.as_str())
    }

    /// Where the logs of workers lie.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Where the worker of a cell prints.
    #[must_use]
    pub fn log(&self, id: &CellId) -> PathBuf {
        self.logs().join(format!("{id}.log"))
    }

    /// The lock of a cell.
    #[must_use]
    pub fn lock_file(&self, id: &CellId) -> PathBuf {
        self.locks.path(id.as_str())
    }

    /// Whether the cell is stored; whether it is undamaged is known when it is loaded.
    #[must_use]
    pub fn contains(&self, id: &CellId) -> bool {
        self.cell_folder(id).join(MANIFEST).is_file()
    }

    /// The live process that computes a cell now, if any.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn holder(&self, id: &CellId) -> Result<Option<Holder>, StoreError> {
        self.locks.holder(id.as_str()).map_err(io_error(&self.lock_file(id), "read"))
    }

    /// Asks for a cell to compute.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn claim(&self, cell: &CellSpec) -> Result<Claim, StoreError> {
        let id = cell.id();
        let lock =
            match self.locks.take(id.as_str()).map_err(io_error(&self.lock_file(&id), "take the lock"))? {
                Ok(lock) => lock,
                Err(holder) => return Ok(Claim::Held(*holder)),
            };
        // Looked at under the lock: another process may have finished the cell just before it let go of it.
        if self.contains(&id) {
            return Ok(Claim::Stored);
        }
        let folder = self.staging().join(id.as_str());
        let staging = Staging { store: self.clone(), cell: cell.clone(), folder, _lock: lock };
        if !has_progress(&staging.folder) {
            discard(&staging.folder)?; // whoever held the lock before died after the sweep at our start
        }
        staging.make_folders()?;
        Ok(Claim::Granted(Box::new(staging)))
    }

    /// Loads a stored cell after checking every file of it against the manifest.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Damaged`], [`StoreError::Io`], [`StoreError::Table`].
    pub fn load(&self, id: &CellId) -> Result<StoredRun, StoreError> {
        let folder = self.cell_folder(id);
        let manifest = self.checked_manifest(id, &folder)?;
        for (name, entry) in &manifest.files {
            let path = folder.join(name);
            let damaged = |what| StoreError::Damaged { path: path.clone(), what, folder: folder.clone() };
            let (bytes, sha256) = match checksum::of_file(&path) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(damaged("it is missing".into()));
                }
                Err(error) => return Err(io_error(&path, "read")(error)),
            };
            if bytes != entry.bytes {
                return Err(damaged(format!("it has {bytes} bytes, expected {}", entry.bytes)));
            }
            if sha256 != entry.sha256 {
                return Err(damaged(format!("its SHA-256 is {sha256}, expected {}", entry.sha256)));
            }
        }
        let record = parquet::read(&folder, manifest.version)?;
        Ok(StoredRun { cell: manifest.cell, provenance: manifest.provenance, record, folder })
    }

    /// The stored cells, in the order of their names; whether they are undamaged is known when they are loaded.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn stored(&self) -> Result<Vec<CellId>, StoreError> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(io_error(&self.folder, "list"))? {
            let name = entry.map_err(io_error(&self.folder, "list"))?.file_name();
            ids.extend(name.to_string_lossy().parse::<CellId>().ok().filter(|id| self.contains(id)));
        }
        ids.sort();
        Ok(ids)
    }

    /// The manifest of a stored cell, whose seal is checked; the files beside it are not looked at.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn manifest(&self, id: &CellId) -> Result<Manifest, StoreError> {
        self.checked_manifest(id, &self.cell_folder(id))
    }

    fn checked_manifest(&self, id: &CellId, folder: &Path) -> Result<Manifest, StoreError> {
        let path = folder.join(MANIFEST);
        let bytes = fs::read(&path).map_err(io_error(&path, "read"))?;
        let damaged = |what| StoreError::Damaged { path: path.clone(), what, folder: folder.to_owned() };
        let manifest = Manifest::from_bytes(&bytes).map_err(|reason| match reason {
            Unreadable::Newer { version } => StoreError::Newer { path: path.clone(), got: version },
            Unreadable::Corrupt { what } => damaged(what),
        })?;
        if manifest.id != *id || manifest.cell.id() != *id {
            return Err(damaged(format!("it is the manifest of cell {}", manifest.cell.id())));
        }
        Ok(manifest)
    }

    /// Removes a stored cell: at one instant for any reader, then its files.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove(&self, id: &CellId) -> Result<(), StoreError> {
        let folder = self.cell_folder(id);
        let staging = self.staging();
        fs::create_dir_all(&staging).map_err(io_error(&staging, "create"))?;
        let aside = staging.join(format!("{id}-{}-removed", std::process::id()));
        discard(&aside)?;
        match fs::rename(&folder, &aside) {
            Ok(()) => discard(&aside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error(&folder, "remove")(error)),
        }
    }

    /// Makes the experiment's folder if need be and removes what dead processes left in it, but for the progress of cells
    /// that they did not finish.
    ///
    /// # Errors
    /// [`StoreError::Io`]: a store that cannot be written is found here, before anything is computed.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let staging = self.staging();
        fs::create_dir_all(&staging).map_err(io_error(&staging, "create"))?;
        self.locks.sweep().map_err(io_error(&self.folder.join(".locks"), "sweep"))?;
        for entry in fs::read_dir(&staging).map_err(io_error(&staging, "list"))? {
            let path = entry.map_err(io_error(&staging, "list"))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let needed = match name.parse::<CellId>() {
                Ok(id) => self.holder(&id)?.is_some() || (has_progress(&path) && !self.contains(&id)),
                Err(_) => false,
            };
            if !needed {
                discard(&path)?;
            }
        }
        Ok(())
    }

    /// The cells that someone has begun and not finished, whether or not a live process is at it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn begun(&self) -> Result<Vec<CellId>, StoreError> {
        let staging = self.staging();
        let entries = match fs::read_dir(&staging) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&staging, "list")(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let path = entry.map_err(io_error(&staging, "list"))?.path();
            let id = path.file_name().and_then(|name| name.to_string_lossy().parse::<CellId>().ok());
            ids.extend(id.filter(|id| has_progress(&path) && !self.contains(id)));
        }
        ids.sort();
        Ok(ids)
    }

    /// Forgets what is done so far of a cell that is not finished. To be called while nobody computes it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn forget_progress(&self, id: &CellId) -> Result<(), StoreError> {
        discard(&self.staging().join(id.as_str()))
    }

    fn staging(&self) -> PathBuf {
        self.folder.join(".staging")
    }
}

fn discard(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, "remove")(error)),
        _ => Ok(()),
    }
}

/// Whether a staging holds anything that a later process could go on from.
fn has_progress(staging: &Path) -> bool {
    fs::read_dir(staging.join(PROGRESS)).is_ok_and(|mut entries| entries.next().is_some())
}

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
                discard(&self.folder)?;
                self.make_folders()?;
                1
            }
        };
        let text = serde_json::to_vec(&Attempts { program: program.clone(), attempts })
            .map_err(|error| io_error(&path, "write")(error.into()))?;
        write_whole(&path, &text).map_err(io_error(&path, "write"))?;
        Ok(attempts)
    }

    /// Makes the cell appear in the store.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Table`]; the cell is then absent.
    pub fn commit(self, record: &RunRecord, provenance: Provenance) -> Result<(), StoreError> {
        let folder = self.cell_folder();
        parquet::write(&folder, record)?;
        let id = self.cell.id();
        // An empty artifacts folder says nothing; a full one stays.
        let _ = fs::remove_dir(self.artifacts());
        let mut files = BTreeMap::new();
        // a process may have been killed between the manifest and the rename
        let path = folder.join(MANIFEST);
        remove_file(&path)?;
        sync_tree(&folder, &folder, &mut files)?;
        let manifest = Manifest {
            version: VERSION,
            experiment: self.store.experiment.clone(),
            id: id.clone(),
            cell: self.cell.clone(),
            provenance,
            files,
        };
        let text = manifest.to_text().map_err(|source| StoreError::Manifest { id: id.clone(), source })?;
        write_whole(&path, text.as_bytes()).map_err(io_error(&path, "write"))?;
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
        sync_folder(&self.store.folder).map_err(io_error(&self.store.folder, "sync"))
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

/// Removes files that a killed process was writing beside their places, here and in `sapo-model`.
fn remove_half_written(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(io_error(folder, "list"))? {
        let path = entry.map_err(io_error(folder, "list"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            remove_half_written(&path)?;
        } else if name.starts_with(".writing-") || name.contains(".partial-") {
            remove_file(&path)?;
        }
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, "remove")(error)),
        _ => Ok(()),
    }
}

/// Syncs every file and folder under `folder` and notes the files by their path relative to `top`.
fn sync_tree(top: &Path, folder: &Path, files: &mut BTreeMap<String, FileEntry>) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(io_error(folder, "list"))? {
        let path = entry.map_err(io_error(folder, "list"))?.path();
        if path.is_dir() {
            sync_tree(top, &path, files)?;
            continue;
        }
        File::open(&path).and_then(|file| file.sync_all()).map_err(io_error(&path, "sync"))?;
        let (bytes, sha256) = checksum::of_file(&path).map_err(io_error(&path, "read"))?;
        let name = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
        files.insert(name, FileEntry { bytes, sha256 });
    }
    sync_folder(folder).map_err(io_error(folder, "sync"))
}
