//! Whether the prediction is the reference.

use super::python::strip;
use crate::metric::MetricSpec;

/// 100 if prediction and reference are equal after white space at both ends is taken off, else 0.
///
/// The one normalisation is the paper's: the generated text is stripped. Case, punctuation, inner white space and
/// Unicode form count, so "Positive" is not "positive"; white space is what Python's `str.strip` takes off.
///
/// # Units
/// 0 or 100.
pub fn exact_match(prediction: &str, reference: &str) -> f64 {
    if strip(prediction) == strip(reference) { 100.0 } else { 0.0 }
}

/// TRACE's accuracy: 100 if prediction and reference are equal as they are and not empty, else 0.
///
/// # Units
/// 0 or 100.
///
/// # Source
/// `caculate_accuracy` in `metrics.py` of <https://github.com/BeyonderXX/TRACE>.
pub fn accuracy(prediction: &str, reference: &str) -> f64 {
    if prediction == reference && !prediction.is_empty() { 100.0 } else { 0.0 }
}

/// TRACE's accuracy of ScienceQA, whose answers explain themselves after the letter: 100 if the first characters are
/// equal, else 0. An empty text has none: 0, where TRACE's code fails.
///
/// # Units
/// 0 or 100.
///
/// # Source
/// `resolve` in `evaluations/eval_ScienceQA.py` and `caculate_accuracy` in `metrics.py` of
/// <https://github.com/BeyonderXX/TRACE>.
pub fn first_letter_accuracy(prediction: &str, reference: &str) -> f64 {
    let (predicted, wanted) = (prediction.chars().next(), reference.chars().next());
    if predicted.is_some() && predicted == wanted { 100.0 } else { 0.0 }
}

pub(crate) const EXACT_MATCH: MetricSpec = MetricSpec {
    name: "exact_match",
    about: "equal after stripping white space at both ends, any reference",
    score: |sample| sample.best("exact_match", exact_match),
};

pub(crate) const ACCURACY: MetricSpec = MetricSpec {
    name: "accuracy",
    about: "equal to the letter and not empty (TRACE), any reference",
    score: |sample| sample.best("accuracy", accuracy),
};

pub(crate) const FIRST_LETTER_ACCURACY: MetricSpec = MetricSpec {
    name: "accuracy_first_letter",
    about: "equal first characters (TRACE's ScienceQA), any reference",
    score: |sample| sample.best("accuracy_first_letter", first_letter_accuracy),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ends_are_stripped() {
        assert_eq!(exact_match(" A\n", "A"), 100.0);
        assert_eq!(exact_match("\u{3000}\u{652f}\u{6301}\u{1f}", "\u{652f}\u{6301}"), 100.0);
        assert_eq!(exact_match("a", "A"), 0.0);
        assert_eq!(exact_match("A.", "A"), 0.0);
        assert_eq!(exact_match("a  b", "a b"), 0.0);
        // e and combining acute against e-acute
        assert_eq!(exact_match("e\u{301}", "\u{e9}"), 0.0);
        assert_eq!(exact_match("", " "), 100.0);
    }

    #[test]
    fn accuracy_is_stricter() {
        assert_eq!(accuracy("A", "A"), 100.0);
        assert_eq!(accuracy("A ", "A"), 0.0);
        assert_eq!(accuracy("", ""), 0.0);
    }

    #[test]
    fn the_first_letter_alone_counts() {
        assert_eq!(first_letter_accuracy("B\nBecause", "B"), 100.0);
        assert_eq!(first_letter_accuracy("b", "B"), 0.0);
        assert_eq!(first_letter_accuracy("The answer is B", "B"), 0.0);
        assert_eq!(first_letter_accuracy("", ""), 0.0);
    }
}
