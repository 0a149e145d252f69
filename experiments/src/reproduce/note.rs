//! What a run of an experiment has written: `runs/<experiment>/reproduced.json`.
//!
//! Tables and figures of a folder may be of several runs, of another scale, or of arms chosen by hand. The note names those
//! of the last reproduction with their checksums, and the grid that they are of, so that nothing else is ever promoted.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};
use sapo_files::{checksum, whole};
use sapo_lab::provenance::Provenance;
use serde::{Deserialize, Serialize};

/// Version of the file that this program writes, and the only one that it reads: in version 1 the grid was not noted.
const VERSION: u64 = 2;

const FILE: &str = "reproduced.json";

/// What an experiment that is a grid of cells says of it, before it computes: the question, the seeds and the cells that
/// tables and figures are then made of.
const GRID: &str = "experiment.json";

/// What is kept of a run: its folders, and the endings of what is promoted.
const KEPT: [(&str, &[&str]); 2] = [("tables", &["parquet", "md"]), ("plots", &["png"])];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    version: u64,
    pub(super) scale: String,
    pub(super) quick: bool,
    /// The command for readers.
    pub(super) command: String,
    /// What ran it, and when.
    pub(super) provenance: Provenance,
    /// Tables, figures and [`GRID`] by their paths in the folder, with SHA-256.
    files: BTreeMap<String, String>,
}

impl Note {
    /// Notes what the experiment's folder has got since `start`, a time by the clock of its file system.
    pub(super) fn take(
        folder: &Path,
        start: SystemTime,
        scale: &str,
        quick: bool,
        command: String,
        provenance: Provenance,
    ) -> anyhow::Result<Self> {
        let new = |path: &Path| -> anyhow::Result<bool> { Ok(fs::metadata(path)?.modified()? >= start) };
        let mut files = BTreeMap::new();
        for (kind, endings) in KEPT {
            let entries = match fs::read_dir(folder.join(kind)) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries.with_context(|| format!("cannot list {}", folder.join(kind).display()))?,
            };
            for entry in entries {
                let path = entry?.path();
                let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
                if endings.contains(&ending) && new(&path)? {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    files.insert(format!("{kind}/{name}"), checksum::of_file(&path)?.1);
                }
            }
        }
        ensure!(!files.is_empty(), "it has written no table and no figure into {}", folder.display());
        let grid = folder.join(GRID);
        if grid.exists() && new(&grid)? {
            files.insert(GRID.to_string(), checksum::of_file(&grid)?.1);
        }
        Ok(Self { version: VERSION, scale: scale.to_string(), quick, command, provenance, files })
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self)? + "\n";
        whole::write(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The note of the experiment's folder, where the last reproduction was one of this scale.
    pub(super) fn read(folder: &Path, scale: &str) -> anyhow::Result<Option<Self>> {
        let path = folder.join(FILE);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let note: Self = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not what this program writes; delete it", path.display()))?;
        ensure!(
            note.version == VERSION,
            "{} has version {}, expected {VERSION}; {}",
            path.display(),
            note.version,
            note.again(folder)
        );
        Ok(Some(note).filter(|note| note.scale == scale))
    }

    /// Fails where tables, figures or what is said of their grid are no longer those that were noted.
    pub(super) fn check(&self, folder: &Path) -> anyhow::Result<()> {
        for (name, expected) in &self.files {
            let path = folder.join(name);
            match checksum::of_file(&path) {
                Ok((_, got)) if got == *expected => {}
                Ok(_) => {
                    bail!("{} was made again by another command; {}", path.display(), self.again(folder))
                }
                Err(error) => bail!("cannot read {}: {error}; {}", path.display(), self.again(folder)),
            }
        }
        Ok(())
    }

    /// What makes the experiment's folder and its note anew.
    fn again(&self, folder: &Path) -> String {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let quick = if self.quick { " --quick" } else { "" };
        format!("run `./just reproduce --only {name} --scale {}{quick}` again", self.scale)
    }

    /// Whether the run has said which grid its tables and figures are of.
    pub(super) fn says_grid(&self) -> bool {
        self.files.contains_key(GRID)
    }

    /// Names of the tables, the one by arm first.
    pub(super) fn tables(&self) -> Vec<String> {
        let mut tables = self.names("tables/", ".parquet");
        tables.sort_by_key(|name| name != "by_arm");
        tables
    }

    /// Names of the figures.
    pub(super) fn figures(&self) -> Vec<String> {
        self.names("plots/", ".png")
    }

    fn names(&self, folder: &str, ending: &str) -> Vec<String> {
        let name = |path: &String| Some(path.strip_prefix(folder)?.strip_suffix(ending)?.to_string());
        self.files.keys().filter_map(name).collect()
    }
}
