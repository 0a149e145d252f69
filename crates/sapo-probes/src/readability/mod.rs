//! Words, sentences and syllables of a text as `textstat` counts them, whose numbers the readability literature in Python
//! is written with.
//!
//! # Source
//! textstat 0.7.8 (`lexicon_count`, `sentence_count`, `syllable_count`, `flesch_kincaid_grade`, language `en_US`). Texts
//! without spaces between words, such as Chinese, are one word a clause there, and so here: for them none of these
//! numbers means what its name says.

mod grade;
mod syllables;
mod words;

pub use grade::flesch_kincaid_grade;
pub use syllables::count_syllables;
pub use words::{count_sentences, count_words};
