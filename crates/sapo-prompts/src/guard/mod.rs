//! Checks that every wording passes before it may stand in for the original.
//!
//! A check can only see what is written: it cannot tell whether the meaning is the same. It stops the failures that
//! are silent in training: a label spelled otherwise, a lost placeholder, an example's text inside the instruction.

mod labels;
mod leak;
mod placeholders;
mod rejection;
mod script;

use serde::{Deserialize, Serialize};

use crate::text::{normal_form, width};
use crate::{Instruction, PromptPool, PromptVariant};

pub use rejection::Rejection;
pub use script::Script;

/// How long a wording may be.
///
/// # Units
/// Characters; a CJK character counts as two.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LengthBounds {
    /// The least length.
    pub min_chars: usize,
    /// The greatest length is `max_ratio` times the original's ...
    pub max_ratio: usize,
    /// ... plus this, so that a one-line original may have a role-play paraphrase.
    pub extra_chars: usize,
}

impl Default for LengthBounds {
    fn default() -> Self {
        Self { min_chars: 8, max_ratio: 3, extra_chars: 600 }
    }
}

/// Checks wordings against one original.
#[derive(Debug, Clone)]
pub struct Guard {
    original: Instruction,
    labels: Vec<String>,
    bounds: LengthBounds,
    forbidden: leak::Forbidden,
}

impl Guard {
    /// A guard for paraphrases of `original`, whose answers are `labels` (none for generation).
    pub fn new(original: &Instruction, labels: &[String]) -> Self {
        Self {
            original: original.clone(),
            labels: labels.to_vec(),
            bounds: LengthBounds::default(),
            forbidden: leak::Forbidden::default(),
        }
    }

    /// Other length bounds than the default.
    pub fn with_bounds(mut self, bounds: LengthBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Inputs and answers of examples, no text of which may leak into a wording.
    pub fn with_examples<'a>(mut self, examples: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (input, answer) in examples {
            self.forbidden.add(input, answer, &self.labels);
        }
        self
    }

    /// Every reason not to use `text`; none means that it passes. `earlier` are the wordings already taken, by id.
    pub fn check<'a>(
        &self,
        text: &str,
        earlier: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<Rejection> {
        let original = self.original.as_str();
        let mut rejections = Vec::new();
        rejections.extend(self.check_length(text));
        rejections.extend(labels::check(original, text, &self.labels));
        rejections.extend(placeholders::check(original, text));
        rejections.extend(script::check(original, text, &self.labels));
        rejections.extend(self.forbidden.check(original, text));
        let form = normal_form(text);
        let same = if normal_form(original) == form {
            Some(crate::ORIGINAL_ID)
        } else {
            earlier.into_iter().find(|(_, other)| normal_form(other) == form).map(|(id, _)| id)
        };
        rejections.extend(same.map(|id| Rejection::SameAs { id: id.to_owned() }));
        rejections
    }

    fn check_length(&self, text: &str) -> Option<Rejection> {
        let got = width(text.trim());
        let least = self.bounds.min_chars;
        let most = width(self.original.as_str())
            .saturating_mul(self.bounds.max_ratio)
            .saturating_add(self.bounds.extra_chars);
        if got < least {
            Some(Rejection::TooShort { got, least })
        } else if got > most {
            Some(Rejection::TooLong { got, most })
        } else {
            None
        }
    }
}

/// The verdict on every paraphrase of a pool, in the pool's order: its id and the reasons against it. No text of
/// `examples`, inputs with answers, may stand in one.
pub fn check_pool<'a, 'e>(
    pool: &'a PromptPool,
    examples: impl IntoIterator<Item = (&'e str, &'e str)>,
) -> Vec<(&'a str, Vec<Rejection>)> {
    let guard = Guard::new(&pool.original().text, pool.labels()).with_examples(examples);
    let paraphrases = pool.paraphrases();
    let named = |variant: &'a PromptVariant| (variant.id.as_str(), variant.text.as_str());
    let verdict = |(index, variant): (usize, &'a PromptVariant)| {
        let earlier = paraphrases[..index].iter().map(named);
        (variant.id.as_str(), guard.check(variant.text.as_str(), earlier))
    };
    paraphrases.iter().enumerate().map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWEETS: &str = "In this task, you are given a text from tweets. Your task is to classify given tweet text into \
                          two categories: 1) positive, and 2) negative based on its content.";

    fn guard() -> Guard {
        Guard::new(&Instruction::new(TWEETS), &["positive".into(), "negative".into()])
    }

    #[test]
    fn a_good_paraphrase_passes() {
        let text = "Read the {tweet} below: is its mood positive or negative?";
        assert_eq!(guard().check(text, []), vec![]);
    }

    #[test]
    fn each_failure_names_its_reason() {
        let least = guard().check("pos?", []);
        assert!(least.contains(&Rejection::TooShort { got: 4, least: 8 }), "{least:?}");
        assert!(least.contains(&Rejection::LabelMissing { label: "negative".into() }), "{least:?}");

        let long = format!("positive negative {}", "word ".repeat(400));
        assert!(matches!(guard().check(&long, [])[..], [Rejection::TooLong { .. }]));

        let same = "Say whether it is positive or negative";
        let rejections = guard().check(same, [("p01", "say whether it is Positive, or negative.")]);
        assert_eq!(rejections, vec![Rejection::SameAs { id: "p01".into() }]);
        let rejections = guard().check(&TWEETS.replace('.', " !"), []);
        assert_eq!(rejections, vec![Rejection::SameAs { id: "original".into() }]);
    }

    #[test]
    fn a_pool_is_checked_arm_by_arm() {
        let variant = |id: &str, text: &str| crate::PromptVariant {
            id: id.into(),
            text: Instruction::new(text),
            origin: crate::Origin::of("hand"),
        };
        let paraphrases = vec![
            variant("p01", "Is the tweet positive or negative?"),
            variant("p02", "Is the tweet good or bad, would you say?"),
        ];
        let pool = PromptPool::new(
            Instruction::new(TWEETS),
            vec!["positive".into(), "negative".into()],
            paraphrases,
        )
        .unwrap();
        let verdicts = check_pool(&pool, []);
        assert_eq!(verdicts[0], ("p01", vec![]));
        let missing = |label: &str| Rejection::LabelMissing { label: label.into() };
        assert_eq!(verdicts[1], ("p02", vec![missing("positive"), missing("negative")]));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            original in "\\PC{0,80}", text in "\\PC{0,80}", label in "\\PC{0,8}", input in "\\PC{0,60}", answer in "\\PC{0,20}"
        ) {
            let guard = Guard::new(&Instruction::new(original), &[label]).with_examples([(input.as_str(), answer.as_str())]);
            for rejection in guard.check(&text, [("p01", input.as_str())]) {
                proptest::prop_assert!(!rejection.to_string().is_empty());
            }
        }

        #[test]
        fn the_original_fails_for_being_itself_alone(words in proptest::collection::vec("[a-z]{2,9}", 3..40)) {
            let text = words.join(" ");
            let guard = Guard::new(&Instruction::new(text.clone()), &words[..1]);
            proptest::prop_assert_eq!(guard.check(&text, []), vec![Rejection::SameAs { id: "original".into() }]);
        }
    }
}
