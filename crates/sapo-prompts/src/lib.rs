//! Instructions, prompt variants and pools of variants that mean the same.
//!
//! An [`Instruction`] is a task's wording alone, without input and output suffix. A [`PromptVariant`] is an instruction
//! with an id and an [`Origin`]. A [`PromptPool`] holds the original (arm 0) and its paraphrases. Paraphrases come from
//! a [`ParaphraseSource`]: one file per source under [`sources`]. Every paraphrase passes the [`guard`].
//!
//! Deliberately absent: a template language. Braces and template signs in a wording are plain text everywhere, so no
//! wording can disturb the input that follows it.

mod atomic;
pub mod chat;
mod diversity;
pub mod grammar;
pub mod guard;
mod instruction;
mod pool;
mod pool_file;
pub mod sources;
mod text;

pub use diversity::{
    PairDistances, PoolDiversity, VariantShape, ngram_distance, vocabulary_overlap, word_count,
};
pub use instruction::Instruction;
pub use pool::{ORIGINAL_ID, Origin, PoolError, PromptPool, PromptVariant};
pub use pool_file::{POOL_VERSION, PoolFileError};
pub use sources::{ParaphraseRequest, ParaphraseSource, Paraphrases, SourceError};
