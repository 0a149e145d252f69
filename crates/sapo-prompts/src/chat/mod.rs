//! Asking a chat endpoint that speaks OpenAI's protocol (`POST <base>/chat/completions`), so that a stop loses nothing and
//! nothing is paid twice.
//!
//! Every answer is kept on disk under the hash of what was asked (`cache.rs`); a request is tried again where that may help
//! (`Retry` of `sapo-http`); no more is spent than was allowed (`budget.rs`). The key goes into one header of requests to
//! the endpoint and nowhere else: redirects are not followed, and what the endpoint says is cleared of it.
//!
//! Deliberately absent: streaming, tools, images.

mod budget;
mod cache;
mod client;
mod error;
mod protocol;

pub use budget::{Budget, Spent};
pub use client::{Chat, ChatSettings, Reply};
pub use error::ChatError;
pub use protocol::Finish;
pub use sapo_http::Retry;

/// A secret: shown nowhere, not even by `Debug`.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// A key as it stands in an environment variable; none where that is blank.
    pub fn new(text: &str) -> Option<Self> {
        Some(text.trim().to_owned()).filter(|text| !text.is_empty()).map(Self)
    }

    /// `text` without the key.
    fn clear(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}
