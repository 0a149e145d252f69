//! Rewrites instructions offline and deterministically, by a typed grammar of frames, verbs, nouns and styles.
//!
//! There are three ways, from the most to the least that is known about an instruction:
//!
//! - [`Wording`]: hand-written cores in hand-written [`frames`]. The built-in benchmark is made so.
//! - [`rewrite`]: any instruction. An English one is read into parts (`parse`): what is given, what is asked, and the
//!   sentences that stay letter for letter. What is given and what is asked are put into other frames (`styles`), with
//!   other verbs (`verbs`, `senses`) and nouns (`nouns`). An instruction that cannot be read is wrapped.
//! - [`wrap`]: remarks around an instruction, which stays whole.
//!
//! The grammar would rather leave a word than make a mistake: it exchanges what its tables know in places that they
//! describe, and nothing in quotes, brackets or label words.

mod frames;
mod language;
mod leads;
mod material;
mod nouns;
mod parse;
mod rewrite;
mod senses;
mod sentences;
mod spans;
mod styles;
mod verbs;
mod wrap;

pub use frames::{Frame, FrameSet, Manner, Phrase, Wording, frames};
pub use rewrite::{Rewrite, RewriteRequest, rewrite};
pub use wrap::wrap;
