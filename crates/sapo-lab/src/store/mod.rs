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

mod error;
mod staging;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use error::StoreError;
pub use staging::Staging;

use sapo_files::checksum;

use crate::cell::{CellId, CellSpec};
use crate::lock::{Holder, Locks};
use crate::manifest::{Manifest, Unreadable};
use crate::parquet;
use crate::provenance::Provenance;
use crate::record::RunRecord;
use error::io_error;
use staging::{discard, has_progress};

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
        self.cell.limited()
    }
}

const MANIFEST: &str = "manifest.json";
const ARTIFACTS: &str = "artifacts";

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

    /// The manifest of a cell, stored or not.
    pub(crate) fn manifest_file(&self, id: &CellId) -> PathBuf {
        self.cell_folder(id).join(MANIFEST)
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
        self.manifest_file(id).is_file()
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
        Ok(Claim::Granted(Box::new(Staging::begin(self, cell, lock)?)))
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

    /// The stored cells, in the order of their names, none where there is no folder yet; whether they are undamaged is known
    /// when they are loaded.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn stored(&self) -> Result<Vec<CellId>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&self.folder, "list")(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
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

    /// Forgets what is done so far of a cell that is not finished; false where somebody computes it now, who keeps it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn forget_progress(&self, id: &CellId) -> Result<bool, StoreError> {
        let taken = self.locks.take(id.as_str()).map_err(io_error(&self.lock_file(id), "take the lock"))?;
        let Ok(_lock) = taken else { return Ok(false) };
        discard(&self.staging().join(id.as_str())).map(|()| true)
    }

    fn staging(&self) -> PathBuf {
        self.folder.join(".staging")
    }
}
