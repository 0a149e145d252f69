//! What the base models are pre-trained on.

mod builtin;
mod labels;
mod polarity;
mod real_text;
mod weighted;

pub use builtin::BuiltinCorpus;
pub use real_text::RealText;
