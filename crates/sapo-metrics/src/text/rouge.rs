//! ROUGE-1, ROUGE-2 and ROUGE-L, equal to Google's `rouge_score`.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::best;
use super::lcs::lcs_length;
use super::rouge_tokens::{normalise, split};
use crate::metric::MetricSpec;

/// Precision, recall and their harmonic mean.
///
/// # Units
/// 0-100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RougeScore {
    /// The share of the prediction that the reference has.
    pub precision: f64,
    /// The share of the reference that the prediction has.
    pub recall: f64,
    /// The harmonic mean of the two: what is meant by "ROUGE-L of 71.8".
    pub f_measure: f64,
}

impl RougeScore {
    fn new(common: usize, predicted: usize, wanted: usize) -> Self {
        // As in rouge_score: an empty text counts as one token, so that nothing is divided by 0.
        let precision = common as f64 / predicted.max(1) as f64;
        let recall = common as f64 / wanted.max(1) as f64;
        let sum = precision + recall;
        let f_measure = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
        Self { precision: 100.0 * precision, recall: 100.0 * recall, f_measure: 100.0 * f_measure }
    }
}

/// A ROUGE scorer; the default does not stem, as in `rouge_score`.
///
/// Two texts without any token of `[a-z0-9]` (both empty, or both Chinese) score 0, not 100.
///
/// # Source
/// Lin (2004), "ROUGE: a package for automatic evaluation of summaries"; `rouge_score/rouge_scorer.py`
/// (rouge-score 0.1.2, <https://github.com/google-research/google-research/tree/master/rouge>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rouge {
    /// Whether words of more than three letters are stemmed (`use_stemmer=True`).
    pub stemmer: bool,
}

impl Rouge {
    /// ROUGE-L: the longest common subsequence of tokens.
    pub fn l(&self, prediction: &str, reference: &str) -> RougeScore {
        let (prediction, reference) = (self.normalise(prediction), self.normalise(reference));
        let (predicted, wanted) = (split(&prediction), split(&reference));
        RougeScore::new(lcs_length(&predicted, &wanted), predicted.len(), wanted.len())
    }

    /// ROUGE-1: the common tokens, each as often as both have it.
    pub fn one(&self, prediction: &str, reference: &str) -> RougeScore {
        let (prediction, reference) = (self.normalise(prediction), self.normalise(reference));
        let (predicted, wanted) = (split(&prediction), split(&reference));
        RougeScore::new(overlap(predicted.iter(), wanted.iter()), predicted.len(), wanted.len())
    }

    /// ROUGE-2: the common pairs of neighbouring tokens, each as often as both have it.
    pub fn two(&self, prediction: &str, reference: &str) -> RougeScore {
        let (prediction, reference) = (self.normalise(prediction), self.normalise(reference));
        let (predicted, wanted) = (split(&prediction), split(&reference));
        let (predicted, wanted) = (predicted.windows(2), wanted.windows(2));
        let (predicted_pairs, wanted_pairs) = (predicted.len(), wanted.len());
        RougeScore::new(overlap(predicted, wanted), predicted_pairs, wanted_pairs)
    }

    fn normalise(&self, text: &str) -> String {
        normalise(text, self.stemmer)
    }
}

/// ROUGE-L F-measure without stemming.
///
/// # Units
/// 0-100.
pub fn rouge_l(prediction: &str, reference: &str) -> f64 {
    Rouge::default().l(prediction, reference).f_measure
}

/// The highest [`rouge_l`] over the references, or `None` where there is no reference.
///
/// # Units
/// 0-100.
pub fn rouge_l_best<R: AsRef<str>>(prediction: &str, references: &[R]) -> Option<f64> {
    best(references, |reference| rouge_l(prediction, reference))
}

/// ROUGE-1 F-measure without stemming.
///
/// # Units
/// 0-100.
pub fn rouge_1(prediction: &str, reference: &str) -> f64 {
    Rouge::default().one(prediction, reference).f_measure
}

/// ROUGE-2 F-measure without stemming.
///
/// # Units
/// 0-100.
pub fn rouge_2(prediction: &str, reference: &str) -> f64 {
    Rouge::default().two(prediction, reference).f_measure
}

/// How many items the two have in common, each as often as both have it.
fn overlap<T: Eq + Hash>(a: impl Iterator<Item = T>, b: impl Iterator<Item = T>) -> usize {
    let mut left: FxHashMap<T, usize> = FxHashMap::default();
    b.for_each(|item| *left.entry(item).or_default() += 1);
    a.filter(|item| match left.get_mut(item) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    })
    .count()
}

pub(crate) const ROUGE_L: MetricSpec = MetricSpec {
    name: "rouge_l",
    about: "longest common subsequence of words, F-measure (rouge_score), best reference",
    score: |sample| sample.best("rouge_l", rouge_l),
};

pub(crate) const ROUGE_L_STEMMED: MetricSpec = MetricSpec {
    name: "rouge_l_stemmed",
    about: "rouge_l of Porter stems (rouge_score with use_stemmer=True), best reference",
    score: |sample| sample.best("rouge_l_stemmed", |p, r| Rouge { stemmer: true }.l(p, r).f_measure),
};

pub(crate) const ROUGE_1: MetricSpec = MetricSpec {
    name: "rouge_1",
    about: "common words, F-measure (rouge_score), best reference",
    score: |sample| sample.best("rouge_1", rouge_1),
};

pub(crate) const ROUGE_2: MetricSpec = MetricSpec {
    name: "rouge_2",
    about: "common pairs of words, F-measure (rouge_score), best reference",
    score: |sample| sample.best("rouge_2", rouge_2),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        // LCS "the cat the mat" = 4 of 5 predicted and 6 wanted: F = 2 * 4 / (5 + 6).
        let score = Rouge::default().l("The cat... the red mat", "the cat sat on the mat");
        assert!((score.precision - 80.0).abs() < 1e-12);
        assert!((score.recall - 400.0 / 6.0).abs() < 1e-12);
        assert!((score.f_measure - 800.0 / 11.0).abs() < 1e-12);
        // A repeated word counts as often as both have it.
        assert!((rouge_1("a a a", "a a b") - 200.0 / 3.0).abs() < 1e-12);
        assert!((rouge_2("a b c", "a b d c") - 40.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_in_common_is_zero() {
        for (prediction, reference) in [("", ""), ("a", ""), ("", "a"), ("\u{6587}", "\u{6587}"), ("a", "b")]
        {
            for score in [rouge_l, rouge_1, rouge_2] {
                assert_eq!(score(prediction, reference), 0.0);
            }
        }
    }

    #[test]
    fn best_reference() {
        assert_eq!(rouge_l_best("a b", &["c", "a b", "a"]), Some(100.0));
        assert_eq!(rouge_l_best::<&str>("a b", &[]), None);
    }
}
