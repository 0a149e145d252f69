use std::path::PathBuf;

use crate::ModelError;

/// Why a model cannot be had by its name.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// What was given names no model.
    #[error(
        "{given}: expected a folder that is there, or a model of the Hub as org/name or org/name@revision"
    )]
    NeitherFolderNorName {
        /// What was given.
        given: PathBuf,
    },
    /// Only the cache may be asked, and it does not have the model.
    #[error(
        "{model}: no whole copy of revision {revision} in the cache {cache}, and HF_HUB_OFFLINE forbids to ask"
    )]
    NotCached {
        /// `org/name`
        model: String,
        /// Branch, tag or commit.
        revision: String,
        /// The cache folder.
        cache: PathBuf,
    },
    /// The Hub answered with something else than what was asked for.
    #[error("{model}: asking {endpoint} for {what} gave status {status}")]
    Status {
        /// `org/name`
        model: String,
        /// The address of the Hub.
        endpoint: String,
        /// The file, or the list of files.
        what: String,
        /// HTTP status code.
        status: u16,
    },
    /// No answer came, or not all of it.
    #[error("{model}: asking {endpoint} for {what} failed")]
    Unreachable {
        /// `org/name`
        model: String,
        /// The address of the Hub.
        endpoint: String,
        /// The file, or the list of files.
        what: String,
        /// The reason.
        source: reqwest::Error,
    },
    /// The connection ended in the middle of a file. What came is kept.
    #[error("{model}: {file} ended after {got} of {expected} bytes")]
    Interrupted {
        /// `org/name`
        model: String,
        /// The file.
        file: String,
        /// Bytes that are here.
        got: u64,
        /// Bytes of the file.
        expected: u64,
        /// The reason, where the connection gave one.
        source: Option<reqwest::Error>,
    },
    /// A file came whole, but is not the one of the list. It was thrown away.
    #[error("{model}: {file} is not as listed: expected {expected}, got {got}")]
    Damaged {
        /// `org/name`
        model: String,
        /// The file.
        file: String,
        /// Size or SHA-256 in the list of files.
        expected: String,
        /// Size or SHA-256 of what came.
        got: String,
    },
    /// The answer is not as it should be.
    #[error("{model}: {what}: {problem}")]
    Malformed {
        /// `org/name`
        model: String,
        /// The file, or the list of files.
        what: String,
        /// What was expected and what came.
        problem: String,
    },
    /// The repository lacks a file that every model needs.
    #[error("{model} has no {file}, so it cannot be opened")]
    NoFile {
        /// `org/name`
        model: String,
        /// The file.
        file: String,
    },
    /// The weights are not safetensors.
    #[error("{model} has no weights as model.safetensors (whole or in shards); it has {found}")]
    NoSafetensors {
        /// `org/name`
        model: String,
        /// Weights in other formats, or that there are none.
        found: String,
    },
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client: {problem}")]
    Client {
        /// The reason.
        problem: String,
    },
    /// The cache could not be read or written.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// `write`, `create`, ...
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A downloaded file cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl HubError {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Status { status: 401 | 403, .. } => Some(
                "the name may be wrong, or the model private or gated: accept its terms on its page, and set HF_TOKEN to \
                 a token that may read it",
            ),
            Self::Status { status: 404, .. } => {
                Some("no such model or revision there; a folder of your own is given by its path")
            }
            Self::Unreachable { .. } => Some(
                "without a network, --model takes a folder, and HF_HUB_OFFLINE=1 a model that is in the cache; \
                 HF_ENDPOINT names a mirror",
            ),
            Self::NotCached { .. } => {
                Some("unset HF_HUB_OFFLINE to download it, or give a folder that has the model's files")
            }
            Self::Interrupted { .. } => {
                Some("run the same command again: the download goes on where it ended")
            }
            Self::NoSafetensors { .. } => Some(
                "pickled weights can run any program when they are read and are never read here; convert them to \
                 safetensors on a machine you can lose, or take another copy of the model",
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
