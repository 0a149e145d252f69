//! Paraphrases written by hand, one JSON file a task: `<dir>/<benchmark>/<task>.json`.
//!
//! The bank holds our paraphrases alone. The original is read from the benchmark at run time and must be the one that
//! they were written for, which its SHA-256 shows.

use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::Deserialize;

use super::{Dropped, ParaphraseRequest, ParaphraseSource, Paraphrases, SourceError};
use crate::guard::check_pool;
use crate::{Instruction, Origin, PoolError, PromptPool, PromptVariant};

/// The source's name.
pub(super) const NAME: &str = "bank";
/// What it does.
pub(super) const SUMMARY: &str = "paraphrases written by hand, shipped with the project";

/// The version of the bank's files.
pub const BANK_VERSION: u32 = 1;

/// A folder of bank files.
#[derive(Debug, Clone)]
pub struct Bank {
    dir: PathBuf,
}

/// Why the bank has no pool.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    /// The file system said no.
    #[error("read {path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A name that is no file name.
    #[error("`{name}` is no name of a benchmark or task: a path separator or a leading dot is not allowed")]
    Name {
        /// The name.
        name: String,
    },
    /// Not a bank file.
    #[error("{path}: {reason}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; serde_json's reasons name line and column.
        reason: String,
    },
    /// The paraphrases were written for another original.
    #[error(
        "{path}: the paraphrases were written for an original with SHA-256 {expected}, but the instruction of task \
         `{task}` now has {got}: the original has changed",
        path = path.display()
    )]
    OriginalChanged {
        /// The bank file.
        path: PathBuf,
        /// The task.
        task: String,
        /// The hash in the bank file.
        expected: String,
        /// The hash of the instruction that was given.
        got: String,
    },
    /// The paraphrases make no pool.
    #[error("{path}: {source}", path = path.display())]
    Pool {
        /// The bank file.
        path: PathBuf,
        /// Why not.
        source: PoolError,
    },
    /// No file of the bank was written for this instruction.
    #[error("{dir}: no bank file was written for the instruction with SHA-256 {sha256}", dir = dir.display())]
    NoEntry {
        /// The bank.
        dir: PathBuf,
        /// The instruction's hash.
        sha256: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BankFile {
    version: u32,
    task: String,
    /// ISO 639-1; for people and for `sapo pool` listings of one language.
    #[serde(rename = "language")]
    _language: String,
    original_sha256: String,
    labels: Vec<String>,
    variants: Vec<BankVariant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BankVariant {
    id: String,
    text: Instruction,
}

impl Bank {
    /// The bank in `dir`.
    ///
    /// # Errors
    /// `dir` is no folder that can be read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, BankError> {
        let dir = dir.into();
        std::fs::read_dir(&dir).map_err(|source| BankError::Io { path: dir.clone(), source })?;
        Ok(Self { dir })
    }

    /// The pool for `original`, the instruction of `task` as the benchmark has it now.
    ///
    /// # Errors
    /// No such file, a file that is no bank file, an original that has changed, or paraphrases that make no pool.
    pub fn pool(&self, benchmark: &str, task: &str, original: &Instruction) -> Result<PromptPool, BankError> {
        let path = self.path(benchmark, task)?;
        let file = read(&path)?;
        if file.task != task {
            let reason = format!("`task`: expected `{task}` after the file's name, got `{}`", file.task);
            return Err(BankError::Content { path, reason });
        }
        into_pool(path, file, original)
    }

    /// Benchmark and task of every file, in the order of their paths.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn entries(&self) -> Result<Vec<(String, String)>, BankError> {
        let name = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut entries = Vec::new();
        for benchmark in sorted_entries(&self.dir)?.into_iter().filter(|path| path.is_dir()) {
            for path in sorted_entries(&benchmark)?.into_iter().filter(|path| is_json(path)) {
                entries.extend(name(&benchmark).zip(name(&path)));
            }
        }
        Ok(entries)
    }

    /// The paraphrases of a task, to be looked at; to be used they need the original, and [`Bank::pool`].
    ///
    /// # Errors
    /// No such file, or one that is no bank file.
    pub fn paraphrases(&self, benchmark: &str, task: &str) -> Result<Vec<PromptVariant>, BankError> {
        let file = read(&self.path(benchmark, task)?)?;
        Ok(variants(file.variants, &file.task))
    }

    fn path(&self, benchmark: &str, task: &str) -> Result<PathBuf, BankError> {
        Ok(self.dir.join(plain_name(benchmark)?).join(format!("{}.json", plain_name(task)?)))
    }

    /// The pool of the first bank file, by path, that was written for `original`.
    ///
    /// # Errors
    /// As [`Bank::pool`]; an unreadable file before the right one is an error too, because it might be the one.
    pub fn find(&self, original: &Instruction) -> Result<PromptPool, BankError> {
        let sha256 = original.sha256();
        for (benchmark, task) in self.entries()? {
            let path = self.path(&benchmark, &task)?;
            let file = read(&path)?;
            if file.original_sha256 == sha256 {
                return into_pool(path, file, original);
            }
        }
        Err(BankError::NoEntry { dir: self.dir.clone(), sha256 })
    }
}

impl ParaphraseSource for Bank {
    fn name(&self) -> &str {
        NAME
    }

    /// All of the bank's paraphrases in their order, or `count` of them drawn by `seed` (still in their order).
    fn paraphrase(
        &mut self,
        request: &ParaphraseRequest,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Paraphrases, SourceError> {
        let pool = self.find(&request.instruction)?;
        let mut made = Paraphrases::default();
        let verdicts = check_pool(&pool, request.examples());
        for (variant, (_, reasons)) in pool.paraphrases().iter().zip(verdicts) {
            match reasons.into_iter().next() {
                None => made.variants.push(variant.clone()),
                Some(rejection) => {
                    made.dropped.push(Dropped { text: variant.text.to_string(), reason: rejection.into() });
                }
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
        while made.variants.len() > request.count {
            let out = rng.next_u64() % made.variants.len() as u64; // so few arms that the bias of % is below 1e-17
            made.variants.remove(out as usize);
        }
        on_progress(made.variants.len());
        Ok(made)
    }
}

fn plain_name(name: &str) -> Result<&str, BankError> {
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    if plain { Ok(name) } else { Err(BankError::Name { name: name.into() }) }
}

fn read(path: &Path) -> Result<BankFile, BankError> {
    let content = |reason: String| BankError::Content { path: path.into(), reason };
    let bytes = std::fs::read(path).map_err(|source| BankError::Io { path: path.into(), source })?;
    let file: BankFile = serde_json::from_slice(&bytes).map_err(|error| content(error.to_string()))?;
    if file.version != BANK_VERSION {
        return Err(content(format!("`version`: expected {BANK_VERSION}, got {}", file.version)));
    }
    Ok(file)
}

fn into_pool(path: PathBuf, file: BankFile, original: &Instruction) -> Result<PromptPool, BankError> {
    let got = original.sha256();
    if file.original_sha256 != got {
        let (task, expected) = (file.task, file.original_sha256);
        return Err(BankError::OriginalChanged { path, task, expected, got });
    }
    let paraphrases = variants(file.variants, &file.task);
    PromptPool::new(original.clone(), file.labels, paraphrases)
        .map_err(|source| BankError::Pool { path, source })
}

fn variants(entries: Vec<BankVariant>, task: &str) -> Vec<PromptVariant> {
    let origin = Origin { detail: Some(task.to_owned()), ..Origin::of(NAME) };
    let variant =
        |entry: BankVariant| PromptVariant { id: entry.id, text: entry.text, origin: origin.clone() };
    entries.into_iter().map(variant).collect()
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, BankError> {
    let io = |source| BankError::Io { path: dir.into(), source };
    let entries = std::fs::read_dir(dir).map_err(io)?;
    let mut paths =
        entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(io)?;
    paths.sort();
    Ok(paths)
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::pool_from;

    const ORIGINAL: &str = "Is the tweet positive or negative?";

    fn write_bank(dir: &Path, original_sha256: &str, texts: &[&str]) -> Bank {
        let variants: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(i, text)| serde_json::json!({"id": format!("p{:02}", i + 1), "text": text}))
            .collect();
        let file = serde_json::json!({"version": 1, "task": "task1", "language": "en",
            "original_sha256": original_sha256, "labels": ["positive", "negative"], "variants": variants});
        std::fs::create_dir_all(dir.join("superni")).unwrap();
        std::fs::write(dir.join("superni/task1.json"), file.to_string()).unwrap();
        Bank::open(dir).unwrap()
    }

    const TEXTS: [&str; 4] = [
        "Call the tweet positive or negative.",
        "Mood of the tweet: positive or negative?",
        "Decide: positive, negative?",
        "negative or positive, which fits the tweet?",
    ];

    fn request(count: usize, seed: u64) -> ParaphraseRequest {
        ParaphraseRequest::new(Instruction::new(ORIGINAL), vec![], count, seed)
    }

    #[test]
    fn a_pool_by_task() {
        let dir = tempfile::tempdir().unwrap();
        let original = Instruction::new(ORIGINAL);
        let bank = write_bank(dir.path(), &original.sha256(), &TEXTS);
        let pool = bank.pool("superni", "task1", &original).unwrap();
        assert_eq!(pool.len(), 5);
        assert_eq!(pool.labels(), ["positive", "negative"]);
        let first = pool.get("p01").unwrap();
        assert_eq!(first.text.as_str(), TEXTS[0]);
        assert_eq!(first.origin.source, "bank");
        assert_eq!(first.origin.detail.as_deref(), Some("task1"));
    }

    #[test]
    fn a_changed_original_is_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let bank = write_bank(dir.path(), &Instruction::new(ORIGINAL).sha256(), &TEXTS);
        let error = bank.pool("superni", "task1", &Instruction::new("Is it positive?")).unwrap_err();
        assert!(matches!(&error, BankError::OriginalChanged { task, .. } if task == "task1"));
        assert!(error.to_string().contains("the original has changed"), "{error}");
        let error = bank.find(&Instruction::new("Is it positive?")).unwrap_err();
        assert!(matches!(error, BankError::NoEntry { .. }), "{error}");
    }

    #[test]
    fn wrong_names_and_files_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let original = Instruction::new(ORIGINAL);
        let bank = write_bank(dir.path(), &original.sha256(), &TEXTS);
        assert!(matches!(bank.pool("..", "task1", &original), Err(BankError::Name { .. })));
        assert!(matches!(bank.pool("superni", "../x", &original), Err(BankError::Name { .. })));
        let error = bank.pool("superni", "task2", &original).unwrap_err().to_string();
        assert!(error.contains("superni/task2.json"), "{error}");
        std::fs::copy(dir.path().join("superni/task1.json"), dir.path().join("superni/task2.json")).unwrap();
        let error = bank.pool("superni", "task2", &original).unwrap_err().to_string();
        assert!(error.contains("expected `task2`"), "{error}");
        std::fs::write(dir.path().join("superni/task2.json"), "{\"version\": 1,\n \"tusk\": 3}").unwrap();
        let error = bank.pool("superni", "task2", &original).unwrap_err().to_string();
        assert!(error.contains("unknown field `tusk`") && error.contains("line 2"), "{error}");
        assert!(matches!(Bank::open(dir.path().join("absent")), Err(BankError::Io { .. })));
    }

    #[test]
    fn as_a_source_it_draws_by_seed() {
        let dir = tempfile::tempdir().unwrap();
        let bank = write_bank(dir.path(), &Instruction::new(ORIGINAL).sha256(), &TEXTS);
        let ids = |count, seed| -> Vec<String> {
            let pool = pool_from(&mut bank.clone(), &request(count, seed), &mut |_| ()).unwrap();
            pool.paraphrases().iter().map(|variant| variant.id.clone()).collect()
        };
        assert_eq!(ids(4, 0), ["p01", "p02", "p03", "p04"]);
        assert_eq!(ids(2, 7), ids(2, 7));
        let draws: std::collections::HashSet<_> = (0..40).map(|seed| ids(2, seed)).collect();
        assert_eq!(draws.len(), 6, "40 seeds reach all 6 pairs of 4");
        let error = pool_from(&mut bank.clone(), &request(5, 0), &mut |_| ()).unwrap_err();
        assert!(matches!(error, SourceError::TooFew { wanted: 5, got: 4, .. }), "{error}");
    }

    #[test]
    fn what_the_guard_rejects_is_not_given() {
        let dir = tempfile::tempdir().unwrap();
        let texts = [TEXTS[0], "Is the tweet good or bad, in your view?"];
        let bank = write_bank(dir.path(), &Instruction::new(ORIGINAL).sha256(), &texts);
        assert_eq!(
            pool_from(&mut bank.clone(), &request(1, 0), &mut |_| ()).unwrap().paraphrases()[0].id,
            "p01"
        );
        let error = pool_from(&mut bank.clone(), &request(2, 0), &mut |_| ()).unwrap_err().to_string();
        assert!(
            error.contains("`Is the tweet good or bad, in your view?`")
                && error.contains("label word `positive`"),
            "{error}"
        );
    }
}
