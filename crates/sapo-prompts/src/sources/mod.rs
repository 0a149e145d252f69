//! Where paraphrases come from: one file per source, one line per source in [`REGISTRY`].

mod bank;
mod grammar;

use crate::guard::Rejection;
use crate::{Instruction, PoolError, PromptPool, PromptVariant};

pub use bank::{BANK_VERSION, Bank, BankError};
pub use grammar::Grammar;

/// Every source: its name and what it does.
pub const REGISTRY: &[(&str, &str)] = &[(bank::NAME, bank::SUMMARY), (grammar::NAME, grammar::SUMMARY)];

/// What to paraphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParaphraseRequest {
    /// The original wording.
    pub instruction: Instruction,
    /// Words that every paraphrase keeps letter for letter.
    pub labels: Vec<String>,
    /// How many paraphrases to return.
    pub count: usize,
    /// Decides every random draw of the source.
    pub seed: u64,
}

/// Makes wordings that mean the same.
pub trait ParaphraseSource {
    /// The name under which the source's variants are recorded, as in [`REGISTRY`].
    fn name(&self) -> &str;

    /// Exactly `count` paraphrases, none of them the original; the same for the same request.
    ///
    /// # Errors
    /// The source has fewer, or cannot be asked.
    fn paraphrase(&self, request: &ParaphraseRequest) -> Result<Vec<PromptVariant>, SourceError>;
}

/// Why a source gave no paraphrases.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Fewer wordings than asked for.
    #[error(
        "source `{name}`: {wanted} paraphrases were asked for, only {got} passed the guard{}",
        reasons(rejected)
    )]
    TooFew {
        /// The source.
        name: String,
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        got: usize,
        /// What was thrown away, and why.
        rejected: Vec<(String, Rejection)>,
    },
    /// The bank could not answer.
    #[error(transparent)]
    Bank(#[from] BankError),
    /// The wordings make no pool.
    #[error("source `{name}`: {source}")]
    Pool {
        /// The source.
        name: String,
        /// Why not.
        source: PoolError,
    },
}

fn reasons(rejected: &[(String, Rejection)]) -> String {
    match rejected.first() {
        None => String::new(),
        Some((text, rejection)) => {
            format!("; {} were rejected, the first, `{text}`, because: {rejection}", rejected.len())
        }
    }
}

/// A pool of the original and `request.count` paraphrases from `source`.
///
/// # Errors
/// What the source says, or wordings that make no pool.
pub fn pool_from(
    source: &dyn ParaphraseSource,
    request: &ParaphraseRequest,
) -> Result<PromptPool, SourceError> {
    let paraphrases = source.paraphrase(request)?;
    PromptPool::new(request.instruction.clone(), request.labels.clone(), paraphrases)
        .map_err(|error| SourceError::Pool { name: source.name().to_owned(), source: error })
}
