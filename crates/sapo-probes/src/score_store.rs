//! Losses that were measured already, in memory and, where it is asked for, in a file that outlives the process.
//!
//! The file is a header of 16 bytes, `sapo-scores` with a newline and the version, and records of 48 bytes that are only
//! ever appended: key (32), loss (f64), target tokens (u32), the first 4 bytes of the SHA-256 of these 44; all numbers
//! little-endian. A process that is killed loses at most the record that it was writing; a torn end is cut off with a
//! warning when the file is opened again. One file holds scores of any number of models: keys tell them apart.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sapo_model::{Encoded, ExampleLoss, ModelError, ModelState};
use sha2::{Digest, Sha256};

/// What decides a loss: the state of the model, the exact tokens, and where the target begins; as a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ScoreKey([u8; KEY]);

/// Losses by their keys.
#[derive(Debug, Default)]
pub(crate) struct ScoreStore {
    /// That of the model; nothing where one store has one state.
    state: Option<[u8; 32]>,
    scores: HashMap<ScoreKey, ExampleLoss>,
    file: Option<(PathBuf, File)>,
}

/// Why scores cannot be kept in a file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be used.
    #[error("cannot {operation} the scores in {path}: {source}")]
    Io {
        /// `open`, `read`, `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{path} is no file of scores: it begins with {got}, expected {expected}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        got: String,
        /// Those of a file of scores.
        expected: String,
    },
    /// The file was written by another version.
    #[error(
        "{path} holds scores of format {got}, expected format {expected}; delete it, or name another file"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        got: u32,
        /// The format of this program.
        expected: u32,
    },
    /// Another process has the file open.
    #[error("{path} is in use by another process")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The weights in memory are not those of files, so their scores have no name that another process would know.
    #[error(
        "scores of weights that were trained in memory cannot be kept in {path}: no file says what they are"
    )]
    Unnamed {
        /// The file.
        path: PathBuf,
    },
    /// The model's files could not be read.
    #[error(transparent)]
    Model(#[from] ModelError),
}

const MAGIC: &[u8; 12] = b"sapo-scores\n";
const VERSION: u32 = 1;
const HEADER: usize = MAGIC.len() + 4;
const KEY: usize = 32;
const CHECKED: usize = KEY + 8 + 4;
const RECORD: usize = CHECKED + 4;

impl ScoreStore {
    /// Scores measured before by the model in `state`, and those to come, in a file; it is made where it does not exist.
    /// Damaged records are left out with a warning.
    ///
    /// # Errors
    /// Says why the file cannot be used.
    pub(crate) fn open(path: &Path, state: ModelState) -> Result<Self, StoreError> {
        Self::open_as(path, *state.as_bytes())
    }

    fn open_as(path: &Path, state: [u8; 32]) -> Result<Self, StoreError> {
        let io = |operation| move |source| StoreError::Io { operation, path: path.to_path_buf(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io("open"))?;
        }
        let mut file = File::options().read(true).append(true).create(true).open(path).map_err(io("open"))?;
        // file systems without locks keep appended records apart all the same
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(StoreError::InUse { path: path.to_path_buf() });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("read"))?;
        let scores = if header().starts_with(&bytes) {
            // new, or stopped while the header was written
            file.set_len(0).and_then(|()| file.write_all(&header())).map_err(io("write"))?;
            HashMap::new()
        } else {
            check_header(path, &bytes)?;
            let torn = (bytes.len() - HEADER) % RECORD;
            if torn > 0 {
                tracing::warn!(
                    "{}: the last score was not written to its end; it is left out",
                    path.display()
                );
                file.set_len((bytes.len() - torn) as u64).map_err(io("write"))?;
            }
            read_records(path, &bytes[HEADER..])
        };
        Ok(Self { state: Some(state), scores, file: Some((path.to_path_buf(), file)) })
    }

    /// The key of a text under the model's state.
    pub(crate) fn key(&self, text: &Encoded) -> ScoreKey {
        let mut all = Sha256::new();
        if let Some(state) = &self.state {
            all.update(state);
        }
        all.update((text.target_start as u64).to_le_bytes());
        text.ids.iter().for_each(|id| all.update(id.to_le_bytes()));
        ScoreKey(all.finalize().into())
    }

    /// Whether a loss is known.
    pub(crate) fn knows(&self, key: ScoreKey) -> bool {
        self.scores.contains_key(&key)
    }

    /// A loss that is known.
    pub(crate) fn known(&self, key: ScoreKey) -> ExampleLoss {
        self.scores[&key]
    }

    /// Keeps a score. One that is not finite stays out of the file. If the file fails, the work goes on without it.
    pub(crate) fn add(&mut self, key: ScoreKey, loss: ExampleLoss) {
        self.scores.insert(key, loss);
        let Some((path, file)) = self.file.as_mut().filter(|_| loss.nll_sum.is_finite()) else { return };
        if let Err(error) = file.write_all(&record(key, loss)) {
            tracing::warn!("scores are no longer kept in {}: {error}", path.display());
            self.file = None;
        }
    }
}

fn header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..MAGIC.len()].copy_from_slice(MAGIC);
    header[MAGIC.len()..].copy_from_slice(&VERSION.to_le_bytes());
    header
}

fn check_header(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let Some(after_magic) = bytes.strip_prefix(MAGIC) else {
        let shown = |bytes: &[u8]| format!("{:?}", String::from_utf8_lossy(bytes));
        let got = shown(&bytes[..bytes.len().min(MAGIC.len())]);
        return Err(StoreError::Foreign { path: path.to_path_buf(), got, expected: shown(MAGIC) });
    };
    match after_magic.first_chunk().map(|version| u32::from_le_bytes(*version)) {
        Some(VERSION) => Ok(()),
        got => {
            let got = got.unwrap_or_default();
            Err(StoreError::Version { path: path.to_path_buf(), got, expected: VERSION })
        }
    }
}

fn read_records(path: &Path, bytes: &[u8]) -> HashMap<ScoreKey, ExampleLoss> {
    let records = bytes.chunks_exact(RECORD);
    let count = records.len();
    let read: Vec<(ScoreKey, ExampleLoss)> = records.filter_map(parse).collect();
    if read.len() < count {
        let damaged = count - read.len();
        tracing::warn!("{}: {damaged} of {count} scores are damaged and left out", path.display());
    }
    read.into_iter().collect()
}

fn record(key: ScoreKey, loss: ExampleLoss) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..KEY].copy_from_slice(&key.0);
    record[KEY..KEY + 8].copy_from_slice(&loss.nll_sum.to_le_bytes());
    record[KEY + 8..CHECKED].copy_from_slice(&(loss.tokens as u32).to_le_bytes());
    let check = checksum(&record[..CHECKED]);
    record[CHECKED..].copy_from_slice(&check);
    record
}

/// Nothing where the checksum does not fit.
fn parse(record: &[u8]) -> Option<(ScoreKey, ExampleLoss)> {
    let (key, rest) = record.split_first_chunk::<KEY>()?;
    let (nll_sum, rest) = rest.split_first_chunk::<8>()?;
    let (tokens, check) = rest.split_first_chunk::<4>()?;
    let tokens = u32::from_le_bytes(*tokens) as usize;
    let loss = ExampleLoss { nll_sum: f64::from_le_bytes(*nll_sum), tokens };
    (check == checksum(&record[..CHECKED])).then_some((ScoreKey(*key), loss))
}

fn checksum(bytes: &[u8]) -> [u8; RECORD - CHECKED] {
    let all: [u8; 32] = Sha256::digest(bytes).into();
    [all[0], all[1], all[2], all[3]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn loss(number: u32) -> ExampleLoss {
        ExampleLoss { nll_sum: f64::from(number) / 7.0, tokens: 1 + number as usize % 5 }
    }

    fn text(number: u32) -> Encoded {
        Encoded { ids: vec![i64::from(number), 1, 2], target_start: 1 }
    }

    fn open(path: &Path) -> Result<ScoreStore, StoreError> {
        ScoreStore::open_as(path, [7; 32])
    }

    /// A file of scores 0..count; its path.
    fn file_of(folder: &Path, count: u32) -> PathBuf {
        let path = folder.join("some/where.scores");
        let mut store = open(&path).unwrap();
        for number in 0..count {
            store.add(store.key(&text(number)), loss(number));
        }
        path
    }

    fn found(store: &ScoreStore, count: u32) -> Vec<u32> {
        let known = |number: &u32| {
            let key = store.key(&text(*number));
            let known = store.knows(key);
            assert!(!known || store.known(key) == loss(*number), "a wrong number");
            known
        };
        (0..count).filter(known).collect()
    }

    #[test]
    fn scores_outlive_the_store_and_are_those_of_one_state_and_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_of(folder.path(), 3);
        let mut store = open(&path).unwrap();
        assert_eq!(found(&store, 5), [0, 1, 2]);
        store.add(store.key(&text(4)), loss(4));
        drop(store);
        assert_eq!(found(&open(&path).unwrap(), 5), [0, 1, 2, 4]);

        let other_state = ScoreStore::open_as(&path, [8; 32]).unwrap();
        assert!(found(&other_state, 5).is_empty());
        drop(other_state);
        let store = open(&path).unwrap();
        let other_target = Encoded { target_start: 2, ..text(1) };
        assert!(store.knows(store.key(&text(1))) && !store.knows(store.key(&other_target)));
    }

    #[test]
    fn what_is_not_a_number_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_of(folder.path(), 1);
        let mut store = open(&path).unwrap();
        let key = store.key(&text(9));
        store.add(key, ExampleLoss { nll_sum: f64::NAN, tokens: 1 });
        assert!(store.knows(key));
        drop(store);
        assert!(!open(&path).unwrap().knows(key));
    }

    #[test]
    fn a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_of(folder.path(), 1);
        let _first = open(&path).unwrap();
        assert!(matches!(open(&path), Err(StoreError::InUse { .. })));
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for foreign in ["{\"an\": \"example\"}", "sapo", "sapo-scores\n\u{2}\0\0\0", "sapo-scoresX"] {
            std::fs::write(&path, foreign).unwrap();
            let error = match open(&path) {
                // a header that was cut short by a stop is written again
                Ok(_) => {
                    assert_eq!(foreign, "sapo");
                    continue;
                }
                Err(error) => error.to_string(),
            };
            assert!(error.contains("a.json"), "{error}");
            let problem = if foreign.starts_with("sapo-scores\n") { "format 2" } else { "no file of scores" };
            assert!(error.contains(problem), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Stopped anywhere, while it was made or while a record was written.
        #[test]
        fn a_file_cut_anywhere_gives_its_whole_records(count in 0_u32..5, cut in any::<prop::sample::Index>()) {
            let folder = tempfile::tempdir().unwrap();
            let path = file_of(folder.path(), count);
            let bytes = std::fs::read(&path).unwrap();
            let left = cut.index(bytes.len() + 1);
            std::fs::write(&path, &bytes[..left]).unwrap();
            let whole = left.saturating_sub(HEADER) / RECORD;
            let mut store = open(&path).unwrap();
            prop_assert_eq!(found(&store, count), (0..whole as u32).collect::<Vec<_>>());
            // and what is added after it is found again
            store.add(store.key(&text(99)), loss(99));
            drop(store);
            let store = open(&path).unwrap();
            prop_assert!(store.knows(store.key(&text(99))));
            prop_assert_eq!(found(&store, count).len(), whole);
        }

        /// One wrong bit costs one record, or the file is refused; no number is wrong.
        #[test]
        fn a_wrong_bit_costs_a_record_at_most(count in 1_u32..5, at in any::<prop::sample::Index>(), bit in 0_u32..8) {
            let folder = tempfile::tempdir().unwrap();
            let path = file_of(folder.path(), count);
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            std::fs::write(&path, &bytes).unwrap();
            match open(&path) {
                Err(_) => prop_assert!(at < HEADER),
                Ok(store) => {
                    prop_assert!(at >= HEADER);
                    let damaged = ((at - HEADER) / RECORD) as u32;
                    let others: Vec<u32> = (0..count).filter(|number| *number != damaged).collect();
                    prop_assert_eq!(found(&store, count), others);
                }
            }
        }
    }
}
