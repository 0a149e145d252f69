use std::path::PathBuf;

use crate::readers::ReadError;

/// Why a benchmark does not come.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// There is no address to download it from.
    #[error("benchmark `{name}` cannot be downloaded: {how_to_get}")]
    ByHand {
        /// The benchmark.
        name: String,
        /// What to do.
        how_to_get: String,
    },
    /// What is asked for is not among the tasks.
    #[error("benchmark `{name}` has no task `{task}` to get; it has {known}")]
    NoTask {
        /// The benchmark.
        name: String,
        /// What was asked for.
        task: String,
        /// What there is.
        known: String,
    },
    /// A source that is neither a folder nor an address.
    #[error("{given}: expected a folder that is there, or an address that begins with http:// or https://")]
    Source {
        /// What was given.
        given: String,
    },
    /// A source that may have a secret in it, which would stand in messages. It is not shown.
    #[error(
        "expected a folder that is there, or an address without a name, a password or a query; what was given may hold a \
         secret and is not shown"
    )]
    SecretSource,
    /// The server answered with something else than the file.
    #[error("{url} gave status {status}")]
    Status {
        /// The address.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The server could not be reached, or broke off again and again. What came is kept.
    #[error("{url} failed {attempts} times, last: {last}")]
    GaveUp {
        /// The address.
        url: String,
        /// How often it was asked.
        attempts: u32,
        /// What went wrong the last time.
        last: String,
    },
    /// A file came whole, but is not the one that is known. It was thrown away.
    #[error("{url} is not the known file: expected SHA-256 {expected}, got {got}")]
    Damaged {
        /// The address.
        url: String,
        /// As `benchmark.toml` has it.
        expected: String,
        /// Of what came.
        got: String,
    },
    /// Some files did not come; the others are there.
    #[error("{} of {asked} files did not come: {}", missing.len(), missing.join("; "))]
    Incomplete {
        /// Why, file by file.
        missing: Vec<String>,
        /// Files that were asked for.
        asked: usize,
    },
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client: {problem}")]
    Client {
        /// The reason.
        problem: String,
    },
    /// A place on this machine could not be read or written.
    #[error("{operation} {path}: {source}", path = path.display())]
    Io {
        /// `write`, `create`, ...
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// What came cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl GetError {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::GaveUp { .. } => Some(
                "run the same command again: the download goes on where it ended; without a network, get the files \
                 elsewhere and give their folder with --from",
            ),
            Self::Status { .. } | Self::Incomplete { .. } => Some(
                "run the same command again for what is missing, nothing that is here is fetched twice; --from takes \
                 another address, or a folder with the files",
            ),
            Self::Damaged { .. } => Some(
                "run the same command again; if it comes out the same, the source has changed: look at it, then take it \
                 with --unverified",
            ),
            _ => None,
        }
    }

    pub(super) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { operation, path, source }
    }
}
