//! No text of an example stands in the instruction: it would tell the model an answer, or describe one example only.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Rejection;
use crate::text::tokens;

/// So many words in a row are no coincidence.
const INPUT_WORDS: usize = 8;
/// Shorter inputs count when they stand whole, from this length on.
const SHORT_INPUT_WORDS: usize = 4;
/// Shorter answers ("a short summary", "at a fair") occur in honest instructions.
const ANSWER_WORDS: usize = 4;

/// Runs of words that no wording may hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Forbidden {
    inputs: Runs,
    answers: Runs,
}

impl Forbidden {
    pub(super) fn add(&mut self, input: &str, answer: &str, labels: &[String]) {
        let input = tokens(input);
        if input.len() >= INPUT_WORDS {
            input.windows(INPUT_WORDS).for_each(|run| self.inputs.add(run));
        } else if input.len() >= SHORT_INPUT_WORDS {
            self.inputs.add(&input);
        }
        let answer_words = tokens(answer);
        if answer_words.len() >= ANSWER_WORDS && !labels.iter().any(|label| label == answer) {
            self.answers.add(&answer_words);
        }
    }

    pub(super) fn check(&self, original: &str, text: &str) -> Vec<Rejection> {
        let (original, text) = (tokens(original), tokens(text));
        let input = self.inputs.find(&text, &original);
        let answer = self.answers.find(&text, &original);
        let input = input.map(|words| Rejection::InputLeaked { excerpt: words.join(" ") });
        let answer = answer.map(|words| Rejection::AnswerLeaked { answer: words.join(" ") });
        input.into_iter().chain(answer).collect()
    }
}

/// Runs of words by their length, as hashes: a training set has a million of them. Two of 64 bits never meet by chance.
#[derive(Debug, Clone, Default)]
struct Runs(BTreeMap<usize, HashSet<u64>>);

impl Runs {
    fn add(&mut self, run: &[String]) {
        self.0.entry(run.len()).or_default().insert(hash(run));
    }

    /// A run of `text` that is one of these and does not stand in `allowed`.
    fn find<'a>(&self, text: &'a [String], allowed: &[String]) -> Option<&'a [String]> {
        self.0.iter().find_map(|(length, hashes)| {
            let allowed: HashSet<&[String]> = allowed.windows(*length).collect();
            text.windows(*length).find(|run| hashes.contains(&hash(run)) && !allowed.contains(run))
        })
    }
}

fn hash(run: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    run.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, answer: &str, text: &str) -> Vec<Rejection> {
        let mut forbidden = Forbidden::default();
        forbidden.add(input, answer, &["a very good review".to_owned()]);
        forbidden.check("Summarise the review of a product in one short line.", text)
    }

    #[test]
    fn long_runs_of_an_input_leak() {
        let input = "I bought this kettle in May and it broke after only two weeks of use.";
        let leaked = check(input, "Broke", "Summarise, as in: this kettle in May, and it BROKE after only.");
        assert_eq!(
            leaked,
            vec![Rejection::InputLeaked { excerpt: "this kettle in may and it broke after".into() }]
        );
        assert_eq!(
            check(input, "Broke", "Summarise a review, for example of a kettle bought in May."),
            vec![]
        );
    }

    #[test]
    fn short_inputs_leak_whole() {
        let leaked = check("the tea was cold", "Cold", "Sum up, say 'The tea was cold', in a line.");
        assert_eq!(leaked, vec![Rejection::InputLeaked { excerpt: "the tea was cold".into() }]);
        assert_eq!(check("the tea", "Cold", "Sum up the tea review."), vec![]);
    }

    #[test]
    fn answers_leak_unless_they_are_short_labels_or_in_the_original() {
        let leaked = check("x", "It broke too soon", "Sum up, such as \"it broke too soon\".");
        assert_eq!(leaked, vec![Rejection::AnswerLeaked { answer: "it broke too soon".into() }]);
        assert_eq!(check("x", "in one short line", "Sum it up in one short line."), vec![]);
        assert_eq!(check("x", "a very good review", "Say a very good review or not."), vec![]);
        assert_eq!(check("x", "too soon", "Say too soon or not."), vec![]);
        assert_eq!(check("x", "", ""), vec![]);
    }
}
