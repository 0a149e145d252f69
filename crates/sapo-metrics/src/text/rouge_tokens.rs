//! The tokeniser of Google's `rouge_score`: runs of `[a-z0-9]` after lower-casing, optionally stemmed.

use super::porter;

/// The text whose tokens [`split`] gives: in lower case and, with `stem`, of stems in the place of the words of more
/// than three letters.
///
/// # Source
/// `rouge_score/tokenize.py` (rouge-score 0.1.2).
pub(super) fn normalise(text: &str, stem: bool) -> String {
    let mut lower = text.to_ascii_lowercase();
    if !lower.is_ascii() {
        // The only letters beyond ASCII whose lower case is in it: the Kelvin sign and the dotted capital I.
        lower = lower.replace('\u{212a}', "k").replace('\u{130}', "i\u{307}");
    }
    if !stem {
        return lower;
    }
    let mut stems = String::with_capacity(lower.len());
    for word in split(&lower) {
        if word.len() > 3 {
            stems.push_str(&porter::stem(word));
        } else {
            stems.push_str(word);
        }
        stems.push(' ');
    }
    stems
}

/// The tokens of a normalised text; every other script than Latin is between tokens.
pub(super) fn split(normalised: &str) -> Vec<&str> {
    let mut tokens = Vec::with_capacity(normalised.len() / 5 + 1);
    let mut start = 0;
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    for (end, byte) in normalised.bytes().chain([b' ']).enumerate() {
        if !is_letter(byte) {
            if start < end {
                tokens.push(&normalised[start..end]);
            }
            start = end + 1;
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_lower_case_letters_and_digits() {
        let text = normalise("The cat's 3rd-best \u{212a}elvin_scale \u{130}zmir caf\u{e9}", false);
        assert_eq!(split(&text), ["the", "cat", "s", "3rd", "best", "kelvin", "scale", "i", "zmir", "caf"]);
        assert!(split(&normalise(" \u{6587}\u{672c} ... ", false)).is_empty());
        assert!(split(&normalise("", true)).is_empty());
    }

    #[test]
    fn every_character_lower_cases_as_in_python() {
        for c in ('\0'..=char::MAX).filter(|c| !c.is_ascii()) {
            let expected: String = c.to_lowercase().filter(char::is_ascii_alphanumeric).collect();
            assert_eq!(split(&normalise(&c.to_string(), false)).concat(), expected, "{c:?}");
        }
    }

    #[test]
    fn only_longer_words_are_stemmed() {
        assert_eq!(split(&normalise("his running dogs ran", true)), ["his", "run", "dog", "ran"]);
    }
}
