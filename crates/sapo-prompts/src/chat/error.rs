use std::path::PathBuf;

/// Why a chat endpoint gave no answers. No text of it holds the key.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// Settings with which nothing can be asked.
    #[error("{setting} is {got}, expected {expected}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// What it is.
        got: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The client could not be made.
    #[error("the HTTP client cannot be set up: {problem}")]
    Client {
        /// What is wrong.
        problem: String,
    },
    /// The endpoint said no, and would say so again.
    #[error("{base} answered {status}: {message}")]
    Denied {
        /// The endpoint.
        base: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// Tried again and again, in vain.
    #[error("{base} gave no answer in {attempts} attempts; the last: {last}")]
    GaveUp {
        /// The endpoint.
        base: String,
        /// How many requests were sent.
        attempts: u32,
        /// What went wrong with the last.
        last: String,
    },
    /// The endpoint wants a longer pause than is allowed.
    #[error("{base} answered {status} and asks for a pause of {seconds} s; at most {most} s are waited")]
    LongPause {
        /// The endpoint.
        base: String,
        /// HTTP status.
        status: u16,
        /// What it asks for.
        seconds: u64,
        /// What is allowed.
        most: u64,
    },
    /// All that was allowed is spent.
    #[error("the budget of {limit} {what} is spent ({calls} calls, {tokens} tokens)")]
    Budget {
        /// `calls` or `tokens`.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Requests sent.
        calls: u64,
        /// Tokens of prompts and answers.
        tokens: u64,
    },
    /// The cache could not be used.
    #[error("{operation} {path}: {source}", path = path.display())]
    Cache {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
}

impl ChatError {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Denied { status: 401 | 403, .. } => {
                Some("the key is read from the environment; see --api-key-env")
            }
            Self::Denied { status: 404, .. } => {
                Some("--api-base is the address before /chat/completions, as in http://localhost:8000/v1")
            }
            Self::Denied { status: 400 | 422, .. } => Some(
                "the endpoint may want other fields: --api-body '{\"max_tokens\": null}' takes one out of the request, \
                 other values set one",
            ),
            Self::GaveUp { .. } | Self::LongPause { .. } => {
                Some("the answers that came are kept: the same command goes on from there")
            }
            Self::Budget { .. } => Some(
                "the answers that came are kept: the same command with a larger --api-max-calls or --api-max-tokens goes \
                 on from there",
            ),
            _ => None,
        }
    }
}
