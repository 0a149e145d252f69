//! Label words survive letter for letter, and no other answer is asked for.

use super::Rejection;
use crate::text::{contains_word, is_cjk};

/// Words that read as answers when they are quoted, in groups of which a task uses one.
const ANSWER_WORDS: [&[&str]; 8] = [
    &["yes", "no"],
    &["true", "false"],
    &["positive", "negative", "neutral", "pos", "neg"],
    &["good", "bad"],
    &["right", "wrong"],
    &["correct", "incorrect"],
    &["entailment", "contradiction"],
    &["是", "否", "对", "错", "支持", "反对", "中立"],
];

/// The quotes that mark an answer. An apostrophe opens a quote only where no letter stands before it.
const QUOTES: [(char, char); 9] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('‘', '’'),
    ('「', '」'),
    ('『', '』'),
    ('《', '》'),
    ('«', '»'),
];

pub(super) fn check(original: &str, text: &str, labels: &[String]) -> Vec<Rejection> {
    // The original sets the standard: some name a part of their labels alone ("from 1 star to 5 stars").
    let missing = labels
        .iter()
        .filter(|label| contains_word(original, label) && !contains_word(text, label))
        .map(|label| Rejection::LabelMissing { label: label.clone() });
    let contradicted = contradictions(original, text, labels)
        .into_iter()
        .map(|found| Rejection::LabelContradicted { found, labels: labels.to_vec() });
    missing.chain(contradicted).collect()
}

fn contradictions(original: &str, text: &str, labels: &[String]) -> Vec<String> {
    if labels.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<String> =
        quoted(text).into_iter().filter(|word| is_rival_word(word, labels)).collect();
    found.extend(whole_words(text).filter(|word| is_rival_option(word, labels)).map(str::to_owned));
    found.retain(|word| !labels.contains(word) && !contains_word(original, word));
    found.sort();
    found.dedup();
    found
}

/// A quoted word that is a label in other letters' case, or an answer of some other task.
fn is_rival_word(word: &str, labels: &[String]) -> bool {
    let lower = word.to_lowercase();
    labels.iter().any(|label| label.to_lowercase() == lower)
        || ANSWER_WORDS.iter().any(|group| group.contains(&lower.as_str()))
}

/// One more letter or number than the labels have: `D` beside A, B, C; `10` beside 1 to 5.
fn is_rival_option(word: &str, labels: &[String]) -> bool {
    let numbers = labels.iter().all(|label| label.parse::<u32>().is_ok());
    if numbers {
        return word.parse::<u32>().is_ok();
    }
    let Some(last) = labels.iter().map(|label| single_letter(label)).collect::<Option<Vec<char>>>() else {
        return false;
    };
    // Letters right after the last label alone: farther ones are words ("I") or names ("plan X").
    let last = last.into_iter().max().unwrap_or('A');
    single_letter(word).is_some_and(|letter| {
        letter.is_ascii_uppercase() == last.is_ascii_uppercase()
            && letter > last
            && u32::from(letter) - u32::from(last) <= 2
            && !matches!(letter, 'I' | 'i')
    })
}

fn single_letter(word: &str) -> Option<char> {
    let mut chars = word.chars();
    match (chars.next(), chars.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() => Some(letter),
        _ => None,
    }
}

fn whole_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_') || is_cjk(c)).filter(|word| !word.is_empty())
}

/// Short quoted strings, without the quotes and the punctuation that American style puts inside them.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let after_letter = at > 0 && chars[at - 1].is_alphanumeric() && !is_cjk(chars[at - 1]);
        let Some((_, close)) = QUOTES.iter().find(|(open, _)| *open == c && !(c == '\'' && after_letter))
        else {
            continue;
        };
        let inner: String = chars[at + 1..].iter().take(40).take_while(|c| *c != close).collect();
        if inner.chars().count() < 40 && chars.get(at + 1 + inner.chars().count()) == Some(close) {
            found.push(
                inner.trim_matches(|c: char| c.is_whitespace() || ".,;:!?，。、".contains(c)).to_owned(),
            );
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn contradicted(original: &str, text: &str, words: &[&str]) -> Vec<String> {
        contradictions(original, text, &labels(words))
    }

    #[test]
    fn labels_of_the_original_must_stay_whole() {
        let stars = labels(&["1 star", "2 stars", "5 stars"]);
        let original = "Rate it from \"1 star\" to \"5 stars\".";
        assert_eq!(check(original, "How many stars, 1 star up to 5 stars?", &stars), vec![]);
        assert_eq!(
            check(original, "How many, 1 star up to 5-stars?", &stars),
            vec![Rejection::LabelMissing { label: "5 stars".into() }]
        );
        let chinese = check("输出A，B或者C。", "请回答A或者B。", &labels(&["A", "B", "C"]));
        assert_eq!(chinese, vec![Rejection::LabelMissing { label: "C".into() }]);
    }

    #[test]
    fn quoted_answers_of_other_tasks_contradict() {
        let original = "Generate \"yes\" if it is right, otherwise \"no\".";
        let words = ["yes", "no"];
        assert_eq!(contradicted(original, "Answer 'true' or 'false', yes or no.", &words), ["false", "true"]);
        assert_eq!(contradicted(original, "Say \"Yes,\" or \"no.\"", &words), ["Yes"]);
        assert!(
            contradicted(original, "Is it true? It's 'yes' or 'no'. Don't guess what's right.", &words)
                .is_empty()
        );
        assert_eq!(contradicted("翻译对吗？", "回答“是”，yes或no", &words), ["是"]);
        assert!(contradicted(original, "'true'", &[]).is_empty(), "no labels, no contradiction");
    }

    #[test]
    fn further_options_contradict() {
        let letters = ["A", "B", "C"];
        assert_eq!(contradicted("A, B or C?", "Choose A, B, C or D.", &letters), ["D"]);
        assert!(contradicted("A, B or C?", "I choose A, B, C; a plan X.", &letters).is_empty());
        let rating = ["1", "2", "3", "4", "5"];
        assert_eq!(contradicted("On a scale of 1-5.", "From 1 to 10.", &rating), ["10"]);
        assert!(contradicted("Five of 10 words: 1-5.", "Of 10 words, 1 to 5.", &rating).is_empty());
    }
}
