use std::collections::HashMap;
use std::sync::OnceLock;

use hypher::{Lang, hyphenate_bounded};

use super::words::words;

/// Number of syllables: of each word the stressed and unstressed vowels of its first pronunciation in the CMU Pronouncing
/// Dictionary, and of a word that is not there its places of hyphenation and one.
///
/// textstat hyphenates with Pyphen's patterns, this with those of TeX (`hypher`), with the same margin of two letters on
/// either side. Of the 990 wordings in `data/prompts` the two differ in 5, by at most 2 syllables (`tests/suite/readability.rs`).
pub fn count_syllables(text: &str) -> usize {
    words(text).iter().map(|word| of_word(word)).sum()
}

fn of_word(word: &str) -> usize {
    match dictionary().get(word) {
        Some(&count) => count,
        None => hyphenate_bounded(word, Lang::English, 2, 2).count(),
    }
}

/// Words with their syllables; the script that made the file stands beside it.
fn dictionary() -> &'static HashMap<&'static str, usize> {
    static DICTIONARY: OnceLock<HashMap<&str, usize>> = OnceLock::new();
    DICTIONARY.get_or_init(|| {
        let file = include_str!("../../data/cmudict-syllables.txt");
        let mut words = HashMap::new();
        for line in file.lines() {
            let mut parts = line.split(' ');
            if let Some(count) = parts.next().and_then(|count| count.parse().ok()) {
                words.extend(parts.map(|word| (word, count)));
            }
        }
        words
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_whole() {
        assert_eq!(dictionary().len(), 126_052);
    }

    #[test]
    fn words_are_looked_up_and_others_hyphenated() {
        for (word, count) in
            [("banana", 3), ("don't", 1), ("every", 3), ("qwrtp", 1), ("hyperparameterless", 7)]
        {
            assert_eq!(of_word(word), count, "{word}");
        }
    }
}
