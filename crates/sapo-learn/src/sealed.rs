//! Files that only this crate reads again: JSON below its own checksum, each whole or absent.

use std::path::Path;

use sapo_files::{checksum, whole};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LearnError;

/// Writes a value: beside its place, synced, renamed.
///
/// # Errors
/// Names the file that cannot be written.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<(), LearnError> {
    let failed = |source| LearnError::State { operation: "write", path: path.into(), source };
    let json = serde_json::to_string(value).map_err(|error| failed(error.into()))?;
    let text = format!("{}\n{json}\n", checksum::of_bytes(json.as_bytes()));
    whole::write(path, text.as_bytes()).map_err(failed)
}

/// Reads a value; none where there is no file.
///
/// # Errors
/// Names the file that cannot be read, or is not what was written.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LearnError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            return Err(LearnError::State { operation: "read", path: path.into(), source: error });
        }
        text => text.unwrap_or_default(),
    };
    let damaged = |problem: String| LearnError::Damaged { path: path.into(), problem };
    let (sum, json) = text.split_once('\n').ok_or_else(|| damaged("it has no checksum".into()))?;
    let json = json.trim_end_matches('\n');
    let found = checksum::of_bytes(json.as_bytes());
    if found != sum {
        return Err(damaged(format!("its SHA-256 is {found}, expected {sum}")));
    }
    serde_json::from_str(json).map(Some).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        assert_eq!(read::<Vec<f64>>(&path).unwrap(), None);
        let numbers = vec![0.1 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE, -0.0, 1e300];
        write(&path, &numbers).unwrap();
        let back: Vec<f64> = read(&path).unwrap().unwrap();
        assert!(numbers.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        write(&path, &[1, 2, 3]).unwrap();
        let good = std::fs::read(&path).unwrap();
        for place in 0..good.len() - 1 {
            let mut bad = good.clone();
            bad[place] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let refused = read::<Vec<u32>>(&path);
            assert!(matches!(refused, Err(LearnError::Damaged { .. })), "byte {place}: {refused:?}");
        }
        std::fs::write(&path, &good[..good.len() / 2]).unwrap();
        assert!(matches!(read::<Vec<u32>>(&path), Err(LearnError::Damaged { .. })));
    }
}
