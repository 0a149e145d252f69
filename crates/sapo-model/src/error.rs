use std::path::PathBuf;

use crate::memory;

/// What can go wrong between a model directory and a number. Every message names the file or the operation, what was
/// expected and what came.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file could not be read or written.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// `read`, `write`, `map`, ...
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is there but not what it should be.
    #[error("{path}: {problem}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected and what came.
        problem: String,
    },
    /// `config.json` names a model that this crate does not know.
    #[error("{path}: unknown architecture {got:?}; known are {known}")]
    UnknownArchitecture {
        /// The `config.json`.
        path: PathBuf,
        /// What the file says.
        got: String,
        /// The architectures that exist here.
        known: String,
    },
    /// The weights do not fit the configuration.
    #[error("{path}: weights do not fit: {problem}")]
    Weights {
        /// The safetensors file or folder.
        path: PathBuf,
        /// Missing, left-over and wrongly shaped names.
        problem: String,
    },
    /// Text could not be tokenised or a chat template could not be applied.
    #[error("tokenizer of {path}: {problem}")]
    Tokenizer {
        /// The model directory.
        path: PathBuf,
        /// What happened.
        problem: String,
    },
    /// An example is longer than the model can read, and shortening it would lose the target.
    #[error("example {index} has {tokens} tokens, the limit is {limit}; its target is never cut silently")]
    TooLong {
        /// Index in the list that was given.
        index: usize,
        /// Tokens of prompt and target.
        tokens: usize,
        /// The model's context or the limit that was asked for.
        limit: usize,
    },
    /// An example has no target token, so it has no loss.
    #[error("example {index} has no target tokens")]
    NoTarget {
        /// Index in the list that was given.
        index: usize,
    },
    /// There is nothing to continue.
    #[error("prompt {index} has no tokens")]
    EmptyPrompt {
        /// Index in the list that was given.
        index: usize,
    },
    /// Settings of sampling for another number of prompts.
    #[error("{got} settings of sampling for {expected} prompts")]
    Samplings {
        /// How many settings there are.
        got: usize,
        /// How many prompts there are.
        expected: usize,
    },
    /// A token cannot be chosen.
    #[error(
        "prompt {index}, token {step} of its answer: the model's logits have no distribution, for instance because one \
         is not a number"
    )]
    NoDistribution {
        /// Index in the list that was given.
        index: usize,
        /// Number of the token in the answer, from 1.
        step: usize,
    },
    /// An environment variable says what nobody would follow.
    #[error("environment variable {variable}: expected {expected}, got {got:?}")]
    Environment {
        /// Its name.
        variable: &'static str,
        /// What it may say.
        expected: &'static str,
        /// What it says.
        got: String,
    },
    /// libtorch could not get the memory that it asked for.
    #[error("out of memory: {0}")]
    OutOfMemory(String),
    /// libtorch refused an operation.
    #[error("libtorch failed: {0}")]
    Torch(String),
}

impl From<tch::TchError> for ModelError {
    /// Keeps the first line: libtorch appends a long C++ trace.
    fn from(error: tch::TchError) -> Self {
        let text = error.to_string();
        match memory::refusal(&text) {
            Some(refusal) => Self::OutOfMemory(refusal),
            None => Self::Torch(text.lines().next().unwrap_or_default().to_string()),
        }
    }
}

impl ModelError {
    pub(crate) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { operation, path, source }
    }

    pub(crate) fn malformed(path: impl Into<PathBuf>, problem: impl std::fmt::Display) -> Self {
        Self::Malformed { path: path.into(), problem: problem.to_string() }
    }
}
