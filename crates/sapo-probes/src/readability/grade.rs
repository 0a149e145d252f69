use super::{count_sentences, count_syllables, count_words};

/// The Flesch-Kincaid grade, in school years: 0.39 words per sentence + 11.8 syllables per word - 15.59; `None` for a text
/// without words (where textstat says 0).
///
/// # Source
/// Kincaid et al. 1975, "Derivation of new readability formulas for Navy enlisted personnel".
pub fn flesch_kincaid_grade(text: &str) -> Option<f64> {
    let words = count_words(text) as f64;
    let (sentences, syllables) = (count_sentences(text) as f64, count_syllables(text) as f64);
    (words > 0.0).then(|| 0.39 * (words / sentences) + 11.8 * (syllables / words) - 15.59)
}
