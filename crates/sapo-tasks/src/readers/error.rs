use std::path::PathBuf;

/// Why a dataset cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system said no.
    #[error("read {path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A file that a task needs is not there.
    #[error("{path} is missing: {what}; {advice}", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Why it may be missing.
        what: String,
        /// What to do.
        advice: String,
    },
    /// A file that is not what it should be as a whole.
    #[error("{path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was expected and what came.
        reason: String,
    },
    /// A row that is not what it should be.
    #[error("{path}, {unit} {number}: {reason}", path = path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// `row` (of a JSON list) or `line` (of a JSONL file).
        unit: &'static str,
        /// The row's number, from 1.
        number: usize,
        /// What was expected and what came.
        reason: String,
    },
    /// A name that the benchmark does not have.
    #[error("{place} has no {kind} `{name}`; it has {known}")]
    Unknown {
        /// Where it was looked for.
        place: String,
        /// `task`, `stream` or `benchmark`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A stream without tasks.
    #[error("stream `{name}`: expected at least one task, got none")]
    EmptyStream {
        /// The stream.
        name: String,
    },
    /// A `benchmark.toml` with a mistake.
    #[error("data/benchmarks/{name}/benchmark.toml: {reason}")]
    Benchmark {
        /// The benchmark.
        name: String,
        /// What is wrong.
        reason: String,
    },
}
