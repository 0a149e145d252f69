//! What the base models are pre-trained on.

mod builtin;
mod labels;
mod polarity;
mod real_text;

pub use builtin::BuiltinCorpus;
pub use real_text::RealText;
