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

/// Keys are longer; what local servers are given in place of one (`EMPTY`, `none`, `x`) is not.
const SHORTEST_SECRET: usize = 16;

impl Key {
    /// A key as it stands in an environment variable; none where that is blank.
    pub fn new(text: &str) -> Option<Self> {
        Some(text.trim().to_owned()).filter(|text| !text.is_empty()).map(Self)
    }

    /// `text` without the key. One that is too short to be a secret may be a word of the text, and stays.
    fn clear(&self, text: &str) -> String {
        if self.0.len() < SHORTEST_SECRET { text.to_owned() } else { text.replace(&self.0, "***") }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_place_of_a_key_takes_no_word_out_of_a_text() {
        let clear = |key: &str, text: &str| Key::new(key).unwrap().clear(text);
        for placeholder in ["EMPTY", "none", "x", "placeholder"] {
            let text = format!("{placeholder}, or nonexistent text");
            assert_eq!(clear(placeholder, &text), text);
        }
        assert_eq!(clear("sk-0123456789abcdef", "key sk-0123456789abcdef."), "key ***.");
    }
}
