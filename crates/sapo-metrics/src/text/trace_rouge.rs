//! ROUGE-L as TRACE computes it, which is not that of `rouge_score`.

use std::collections::BTreeSet;

use super::python;
use crate::metric::MetricSpec;

/// ROUGE-L as TRACE scores MeetingBank: summary level, over sets of words.
///
/// A text is cut at every full stop into sentences and these at white space into words; case and punctuation count.
/// The words of a longest common subsequence of each sentence of the one and each of the other are put together; how
/// many different ones there are, over the different words of each text, is precision and recall. The F-measure has
/// 1e-8 in its denominator, so a text has 99.9999995 with itself. Where one text has nothing but full stops the
/// package fails, and this is 0.
///
/// Several subsequences may be longest. TRACE hands the reference over as the hypothesis, which decides the one that
/// is taken; so it is here.
///
/// # Units
/// 0-100.
///
/// # Source
/// `caculate_rouge` in `metrics.py` of <https://github.com/BeyonderXX/TRACE>, which calls the Python package `rouge`
/// 1.0.1 (`rouge_l_summary_level`, <https://github.com/pltrdy/rouge>).
pub fn trace_rouge_l(prediction: &str, reference: &str) -> f64 {
    let (predicted, wanted) = (sentences(prediction), sentences(reference));
    if predicted.is_empty() || wanted.is_empty() {
        return 0.0;
    }
    let pairs = predicted.iter().flat_map(|one| wanted.iter().map(move |other| (one, other)));
    let common: BTreeSet<&str> = pairs.flat_map(|(one, other)| common_words(one, other)).collect();
    let share = |text: &[Vec<&str>]| {
        common.len() as f64 / text.iter().flatten().collect::<BTreeSet<_>>().len() as f64
    };
    let (precision, recall) = (share(&wanted), share(&predicted));
    100.0 * (2.0 * (precision * recall / (precision + recall + 1e-8)))
}

/// The words of each sentence; white space between full stops is a sentence of one empty word.
fn sentences(text: &str) -> Vec<Vec<&str>> {
    let words = |sentence| {
        let words: Vec<&str> = python::split(sentence).collect();
        if words.is_empty() { vec![""] } else { words }
    };
    text.split('.').filter(|sentence| !sentence.is_empty()).map(words).collect()
}

/// The words of the longest common subsequence that is met first from the end, last word first.
fn common_words<'a>(a: &[&'a str], b: &[&str]) -> Vec<&'a str> {
    let width = b.len() + 1;
    let mut lengths = vec![0u32; (a.len() + 1) * width]; // [i, j]: of the first i of a and the first j of b
    for (i, one) in a.iter().enumerate() {
        for (j, other) in b.iter().enumerate() {
            let above = i * width + j;
            let below = above + width;
            lengths[below + 1] =
                if one == other { lengths[above] + 1 } else { lengths[above + 1].max(lengths[below]) };
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    let mut common = Vec::new();
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            common.push(a[i - 1]);
            (i, j) = (i - 1, j - 1);
        } else if lengths[(i - 1) * width + j] > lengths[i * width + j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    common
}

pub(crate) const TRACE_ROUGE_L: MetricSpec = MetricSpec {
    name: "rouge_l_trace",
    about: "ROUGE-L as TRACE scores MeetingBank (Python package rouge), best reference",
    score: |sample| sample.best("rouge_l_trace", trace_rouge_l),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        let close = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        // Common are The, cat (of 3 and 4 different words): 2 * 2/3 * 2/4 over the sum.
        close(trace_rouge_l("The cat sat", "The old cat ran"), 100.0 * 4.0 / 7.0);
        close(trace_rouge_l("the cat", "The cat,"), 0.0);
        // A word counts once, and a sentence may find its words in any sentence.
        close(trace_rouge_l("b a a. c", "c. b a"), 100.0);
        close(trace_rouge_l("a b", "b a"), 50.0);
        assert_eq!(trace_rouge_l("...", "a"), 0.0);
        assert_eq!(trace_rouge_l("a", ""), 0.0);
    }
}
