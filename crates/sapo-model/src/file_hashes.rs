//! Hashes of large files, so that a model of many gigabytes is not read again each time that its name is asked for.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sapo_files::checksum::hexadecimal;
use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::hash::file_sha256;
use crate::weights::write_whole;

/// SHA-256 of files. Those of large files can be kept in a memo on disk, for as long as path, size, times and inode of a
/// file stay the same.
#[derive(Debug, Default)]
pub struct FileHashes {
    memo: Option<PathBuf>,
    known: BTreeMap<String, Known>,
}

/// What is known about the file at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(flatten)]
    stamp: Stamp,
    sha256: String,
}

/// What changes when the content of a file does: on Unix writing sets `changed`, and nothing can set it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    /// The inode's time of change, in nanoseconds since 1970; 0 where there are no inodes.
    changed: u64,
    device: u64,
    inode: u64,
}

/// Smaller files are read each time.
const WORTH_A_NOTE: u64 = 1 << 20;

/// File systems stamp times this coarsely at worst: a file that was just written may be written again under the same
/// stamp, so it is not noted.
const COARSEST_CLOCK: Duration = Duration::from_secs(2);

impl FileHashes {
    /// With a memo at `path`, read now where it exists. One that cannot be read is left out with a warning and written
    /// anew: it only saves time.
    pub fn with_memo(path: &Path) -> Self {
        let known = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!("{}: not a memo of file hashes ({error}); begun anew", path.display());
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self { memo: Some(path.to_path_buf()), known }
    }

    /// SHA-256 of the file's content.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub(crate) fn of(&mut self, path: &Path) -> Result<[u8; 32], ModelError> {
        let Some(memo) = &self.memo else { return file_sha256(path) };
        let place = path.canonicalize().map_err(ModelError::io("read", path))?;
        let stamp = |path: &Path| path.metadata().map(|found| Stamp::of(&found));
        let before = stamp(&place).map_err(ModelError::io("read", path))?;
        // a name that is not Unicode is not noted
        let Some(name) = place.to_str().filter(|_| before.size >= WORTH_A_NOTE) else {
            return file_sha256(path);
        };
        if let Some(sha256) = self.known.get(name).and_then(|known| known.sha256_at(&before)) {
            return Ok(sha256);
        }
        let sha256 = file_sha256(path)?;
        let after = stamp(&place).map_err(ModelError::io("read", path))?;
        if before == after && before.is_settled() {
            self.known.insert(name.to_string(), Known { stamp: after, sha256: hexadecimal(&sha256) });
            if let Err(error) = write_memo(memo, &self.known) {
                tracing::warn!("hashes of files are not kept: {error}");
            }
        }
        Ok(sha256)
    }
}

fn write_memo(path: &Path, known: &BTreeMap<String, Known>) -> Result<(), ModelError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(ModelError::io("create", folder))?;
    }
    let text = serde_json::to_vec_pretty(known).map_err(|error| ModelError::malformed(path, error))?;
    write_whole(path, &text)
}

impl Known {
    fn sha256_at(&self, stamp: &Stamp) -> Option<[u8; 32]> {
        if self.stamp != *stamp || self.sha256.len() != 64 {
            return None;
        }
        let byte = |i: usize| u8::from_str_radix(self.sha256.get(2 * i..2 * i + 2)?, 16).ok();
        (0..32).map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let since_1970 = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = metadata.modified().map_or(0, |time| since_1970(time).as_nanos() as u64);
        #[cfg(unix)]
        let (changed, device, inode) = {
            use std::os::unix::fs::MetadataExt;
            let nanoseconds = metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec();
            (nanoseconds as u64, metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (changed, device, inode) = (0, 0, 0);
        Self { size: metadata.len(), modified, changed, device, inode }
    }

    /// Whether the last write was long enough ago that a next one would show.
    fn is_settled(&self) -> bool {
        let last = UNIX_EPOCH + Duration::from_nanos(self.modified.max(self.changed));
        SystemTime::now().duration_since(last).is_ok_and(|age| age > COARSEST_CLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled() {
        std::thread::sleep(COARSEST_CLOCK + Duration::from_millis(100));
    }

    #[test]
    fn a_large_file_is_read_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (file, memo) = (folder.path().join("weights"), folder.path().join("cache/hashes.json"));
        std::fs::write(&file, vec![1; WORTH_A_NOTE as usize]).unwrap();
        let first = file_sha256(&file).unwrap();
        assert_eq!(FileHashes::with_memo(&memo).of(&file).unwrap(), first);
        assert!(!memo.exists(), "the file was only just written");
        settled();
        assert_eq!(FileHashes::with_memo(&memo).of(&file).unwrap(), first);

        // the memo answers: a false note is believed as long as the file looks the same
        let mut forged = FileHashes::with_memo(&memo);
        forged.known.values_mut().for_each(|known| known.sha256 = "07".repeat(32));
        assert_eq!(forged.of(&file).unwrap(), [7; 32]);

        // the same size and time of modification, another content
        let modified = file.metadata().unwrap().modified().unwrap();
        std::fs::write(&file, vec![2; WORTH_A_NOTE as usize]).unwrap();
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        assert_eq!(forged.of(&file).unwrap(), file_sha256(&file).unwrap());
        assert_ne!(forged.of(&file).unwrap(), first);
    }

    #[test]
    fn a_broken_memo_costs_time_only() {
        let folder = tempfile::tempdir().unwrap();
        let (file, memo) = (folder.path().join("weights"), folder.path().join("hashes.json"));
        std::fs::write(&file, vec![1; WORTH_A_NOTE as usize]).unwrap();
        for broken in ["", "{\"a\": 3}", "\u{0}"] {
            std::fs::write(&memo, broken).unwrap();
            assert_eq!(FileHashes::with_memo(&memo).of(&file).unwrap(), file_sha256(&file).unwrap());
        }
        let absent = folder.path().join("absent");
        assert!(FileHashes::with_memo(&memo).of(&absent).unwrap_err().to_string().contains("absent"));
    }
}
