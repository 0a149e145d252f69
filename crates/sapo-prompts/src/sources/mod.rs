//! Where paraphrases come from: one file per source, one line per source in [`REGISTRY`].

mod api;
mod bank;
mod filled;
mod grammar;
mod model;
mod search;
mod writer;

use std::collections::BTreeMap;

use crate::chat::ChatError;
use crate::guard::{Guard, Rejection};
use crate::{Instruction, Origin, PoolError, PromptPool, PromptVariant};

pub use bank::{BANK_VERSION, Bank, BankError};
pub use filled::Filled;
pub use grammar::Grammar;
pub use search::{Found, Measure, Parents, Search, SearchConfig};
pub use writer::{Answer, Ask, Ending, Writer, Written};

/// Every source: its name and what it does.
pub const REGISTRY: &[(&str, &str)] = &[
    (bank::NAME, bank::SUMMARY),
    (api::NAME, api::SUMMARY),
    (model::NAME, model::SUMMARY),
    (grammar::NAME, grammar::SUMMARY),
    (search::NAME, search::SUMMARY),
];

pub use api::NAME as API;
pub use model::NAME as MODEL;

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
    /// Examples of the task, inputs with answers, of which no text may stand in a paraphrase; may be empty.
    pub examples: Vec<(String, String)>,
}

impl ParaphraseRequest {
    /// A request that knows no examples.
    pub fn new(instruction: Instruction, labels: Vec<String>, count: usize, seed: u64) -> Self {
        Self { instruction, labels, count, seed, examples: Vec::new() }
    }

    /// What every paraphrase must pass.
    fn guard(&self) -> Guard {
        Guard::new(&self.instruction, &self.labels).with_examples(self.examples())
    }

    /// The examples, as the guard takes them.
    pub fn examples(&self) -> impl Iterator<Item = (&str, &str)> {
        self.examples.iter().map(|(input, answer)| (input.as_str(), answer.as_str()))
    }
}

/// Makes wordings that mean the same.
pub trait ParaphraseSource {
    /// The name under which the source's variants are recorded, as in [`REGISTRY`].
    fn name(&self) -> &str;

    /// At most `count` paraphrases that pass the guard, none of them the original, with ids of their own; fewer where the
    /// source has no more. The same for the same request. `on_progress` hears how many there are as they come.
    ///
    /// # Errors
    /// The source cannot be asked.
    fn paraphrase(
        &mut self,
        request: &ParaphraseRequest,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Paraphrases, SourceError>;
}

/// What a source gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Paraphrases {
    /// What may be used.
    pub variants: Vec<PromptVariant>,
    /// What was thrown away, in the order in which it came.
    pub dropped: Vec<Dropped>,
}

/// A wording that was thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The wording, or the whole answer where there is none in it.
    pub text: String,
    /// Why.
    pub reason: DropReason,
}

/// Why a wording was thrown away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DropReason {
    /// The writer was cut off.
    #[error("the answer was cut off at the longest length")]
    Truncated,
    /// Nothing was written.
    #[error("the answer is empty")]
    Empty,
    /// The writer would not.
    #[error("the answer is a refusal")]
    Refused,
    /// The answer does not say where the wording begins and ends.
    #[error("the answer has no wording between markers")]
    NoMarkers,
    /// The guard's reason.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl DropReason {
    /// The kind of reason in a word or two, to count by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Truncated => "cut off",
            Self::Empty => "empty",
            Self::Refused => "refusal",
            Self::NoMarkers => "without markers",
            Self::Rejected(Rejection::SameAs { .. }) => "duplicate",
            Self::Rejected(_) => "rejected by the guard",
        }
    }
}

impl Paraphrases {
    /// Keeps a wording that passes the guard and differs from those that are kept; throws away any other.
    fn offer(&mut self, guard: &Guard, text: String, origin: Origin) {
        let earlier = self.variants.iter().map(|variant| (variant.id.as_str(), variant.text.as_str()));
        match guard.check(&text, earlier).into_iter().next() {
            None => self.variants.push(PromptVariant {
                id: id(self.variants.len() + 1),
                text: Instruction::new(text),
                origin,
            }),
            Some(rejection) => self.dropped.push(Dropped { text, reason: rejection.into() }),
        }
    }

    /// A pool of the original and exactly as many paraphrases as were asked for; `source` is who gave them.
    ///
    /// # Errors
    /// Too few wordings, or wordings that make no pool.
    pub fn into_pool(self, source: &str, request: &ParaphraseRequest) -> Result<PromptPool, SourceError> {
        let (name, wanted, got) = (source.to_owned(), request.count, self.variants.len());
        if got < wanted {
            return Err(SourceError::TooFew { name, wanted, got, dropped: self.dropped });
        }
        PromptPool::new(request.instruction.clone(), request.labels.clone(), self.variants)
            .map_err(|source| SourceError::Pool { name, source })
    }

    /// How many were thrown away for which kind of reason.
    pub fn dropped_by_kind(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for dropped in &self.dropped {
            *counts.entry(dropped.reason.kind()).or_default() += 1;
        }
        counts
    }
}

/// Why a source gave no paraphrases.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Fewer wordings than asked for.
    #[error(
        "source `{name}`: {wanted} paraphrases were asked for, only {got} passed the guard{}",
        reasons(dropped)
    )]
    TooFew {
        /// The source.
        name: String,
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        got: usize,
        /// What was thrown away, and why.
        dropped: Vec<Dropped>,
    },
    /// The bank could not answer.
    #[error(transparent)]
    Bank(#[from] BankError),
    /// The chat endpoint could not answer.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// The loaded model could not answer, or not be measured.
    #[error("source `{name}`: {problem}")]
    Model {
        /// The source.
        name: String,
        /// What the model said.
        problem: String,
    },
    /// A search that cannot be run as it is set up.
    #[error("search: {setting} is {got}, expected {expected}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// What it is.
        got: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The wordings make no pool.
    #[error("source `{name}`: {source}")]
    Pool {
        /// The source.
        name: String,
        /// Why not.
        source: PoolError,
    },
}

fn reasons(dropped: &[Dropped]) -> String {
    match dropped.first() {
        None => String::new(),
        Some(Dropped { text, reason }) => {
            let text: String = text.chars().take(200).collect();
            format!("; {} were thrown away, the first, `{text}`, because: {reason}", dropped.len())
        }
    }
}

/// A pool of the original and exactly `request.count` paraphrases from `source`.
///
/// # Errors
/// What the source says, too few wordings, or wordings that make no pool.
pub fn pool_from(
    source: &mut dyn ParaphraseSource,
    request: &ParaphraseRequest,
    on_progress: &mut dyn FnMut(usize),
) -> Result<PromptPool, SourceError> {
    let made = source.paraphrase(request, on_progress)?;
    made.into_pool(source.name(), request)
}

/// The id of the `number`th paraphrase of a pool, from 1.
fn id(number: usize) -> String {
    format!("p{number:02}")
}
