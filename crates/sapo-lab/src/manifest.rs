//! The manifest of a cell: what it is, what made it, and the checksum of every file beside it.

use std::collections::BTreeMap;

use sapo_files::checksum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cell::{CellId, CellSpec, canonical};
use crate::provenance::Provenance;

/// Version of the layout of a cell's folder that this program writes and the newest that it reads. It reads all older
/// ones: 1 (no wording in the rows of training), 2 (no term of the loss in them), 3 (no measurements).
pub const VERSION: u64 = 4;

/// `manifest.json`: written last, so that a folder without it is no cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout, [`VERSION`].
    pub version: u64,
    /// Name of the experiment.
    pub experiment: String,
    /// Name of the cell.
    pub id: CellId,
    /// Resolved configuration and axes.
    pub cell: CellSpec,
    /// What made it.
    pub provenance: Provenance,
    /// Every other file of the folder by its relative path.
    pub files: BTreeMap<String, FileEntry>,
}

/// Size and checksum of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Why a text is no manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Newer { version: u64 },
    Corrupt { what: String },
}

/// The key that holds the checksum of all the others, so that a flipped bit of the manifest is seen too.
const SEAL: &str = "sha256";

impl Manifest {
    /// The text of the file, with a checksum of all of it.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn to_text(&self) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        let seal = checksum::of_bytes(canonical(&value).to_string().as_bytes());
        value[SEAL] = Value::String(seal);
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let corrupt = |what: String| Unreadable::Corrupt { what };
        let mut value: Value = serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        // Looked at first: a newer layout may differ in everything else.
        match value["version"].as_u64() {
            Some(version) if version > VERSION => return Err(Unreadable::Newer { version }),
            Some(_) => {}
            None => return Err(corrupt("it has no version".to_owned())),
        }
        let seal = value.as_object_mut().and_then(|map| map.remove(SEAL));
        let expected = Value::String(checksum::of_bytes(canonical(&value).to_string().as_bytes()));
        if seal.as_ref() != Some(&expected) {
            return Err(corrupt("its content does not fit its own checksum".to_owned()));
        }
        serde_json::from_value(value).map_err(|error| corrupt(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::{Code, Stopwatch};
    use serde_json::json;

    fn manifest() -> Manifest {
        let cell = CellSpec::new(json!({"seed": 3, "learning_rate": 1e-4}), &["seed"]).unwrap();
        let file = FileEntry { bytes: 3, sha256: checksum::of_bytes(b"abc") };
        Manifest {
            version: VERSION,
            experiment: "toy".into(),
            id: cell.id(),
            cell,
            provenance: Stopwatch::start(Code::detect())
                .stop(BTreeMap::from([("device".into(), json!("cpu"))])),
            files: BTreeMap::from([("scores.parquet".into(), file)]),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let manifest = manifest();
        assert_eq!(Manifest::from_bytes(manifest.to_text().unwrap().as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn every_flipped_bit_is_seen_or_harmless() {
        let manifest = manifest();
        let text = manifest.to_text().unwrap().into_bytes();
        for byte in 0..text.len() {
            for bit in [0, 3, 5] {
                let mut flipped = text.clone();
                flipped[byte] ^= 1 << bit;
                if let Ok(read) = Manifest::from_bytes(&flipped) {
                    assert_eq!(read, manifest, "byte {byte} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_newer_version_is_named_before_anything_else() {
        let newer = br#"{"version": 5, "all": "different"}"#;
        assert_eq!(Manifest::from_bytes(newer), Err(Unreadable::Newer { version: 5 }));
    }
}
