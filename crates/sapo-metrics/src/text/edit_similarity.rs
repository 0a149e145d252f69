//! How little must be inserted and deleted to turn one text into the other.

use super::lcs::lcs_length;
use crate::metric::MetricSpec;

/// The indel ratio of two texts: twice the common subsequence over the lengths together, in characters.
///
/// Two empty texts are equal: 100.
///
/// # Units
/// 0-100.
///
/// # Source
/// `rapidfuzz.fuzz.ratio` (rapidfuzz 3); `fuzzywuzzy.fuzz.ratio` is this rounded to an integer.
pub fn edit_similarity(prediction: &str, reference: &str) -> f64 {
    let a: Vec<char> = prediction.chars().collect();
    let b: Vec<char> = reference.chars().collect();
    let total = a.len() + b.len();
    if total == 0 {
        return 100.0;
    }
    let distance = total - 2 * lcs_length(&a, &b);
    // In rapidfuzz's order of operations: the rounding of `trace_edit_similarity` depends on the last bit.
    100.0 * (1.0 - distance as f64 / total as f64)
}

/// Edit similarity as TRACE scores Py150: place-holders of literals replaced, an empty text 0, else the ratio
/// rounded to an integer as fuzzywuzzy does.
///
/// fuzzywuzzy takes the ratio from python-Levenshtein where that is installed (this one) and from `difflib` where
/// not; TRACE's requirements do not say which, and the two differ.
///
/// # Units
/// 0-100, whole numbers.
///
/// # Source
/// `postprocess` in `evaluations/eval_Py150.py` and `caculate_fuzz` in `metrics.py` of
/// <https://github.com/BeyonderXX/TRACE>, fuzzywuzzy 0.18.0.
pub fn trace_edit_similarity(prediction: &str, reference: &str) -> f64 {
    let (prediction, reference) = (with_literals(prediction), with_literals(reference));
    if prediction.is_empty() || reference.is_empty() {
        return 0.0;
    }
    edit_similarity(&prediction, &reference).round_ties_even()
}

/// Puts literals back in the place of Py150's `<STR_LIT:...>`, `<NUM_LIT:...>` and `<CHAR_LIT:...>`.
fn with_literals(code: &str) -> String {
    let code = code.replace("<NUM_LIT>", "0").replace("<STR_LIT>", "").replace("<CHAR_LIT>", "");
    // All are found before any is replaced: what a literal holds may look like another.
    placeholders(&code).into_iter().fold(code.clone(), |code, (whole, literal)| code.replace(whole, literal))
}

/// The place-holders in order with what they hold: the matches of `<(STR|NUM|CHAR)_LIT:(.*?)>`.
fn placeholders(code: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find('<') {
        let candidate = &rest[start..];
        let holds =
            ["<STR_LIT:", "<NUM_LIT:", "<CHAR_LIT:"].iter().find_map(|open| candidate.strip_prefix(open));
        match holds.and_then(|inside| inside.split_once('>')) {
            Some((literal, after)) => {
                found.push((&candidate[..candidate.len() - after.len()], literal));
                rest = after;
            }
            None => rest = &candidate[1..],
        }
    }
    found
}

pub(crate) const EDIT_SIMILARITY: MetricSpec = MetricSpec {
    name: "edit_similarity",
    about: "indel ratio of characters (rapidfuzz.fuzz.ratio), best reference",
    score: |sample| sample.best("edit_similarity", edit_similarity),
};

pub(crate) const TRACE_EDIT_SIMILARITY: MetricSpec = MetricSpec {
    name: "edit_similarity_trace",
    about: "edit similarity of code as TRACE scores Py150: literals put back, rounded, best reference",
    score: |sample| sample.best("edit_similarity_trace", trace_edit_similarity),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        // kitten, sitting: common subsequence "ittn", 8 of 13 characters.
        assert!((edit_similarity("kitten", "sitting") - 800.0 / 13.0).abs() < 1e-12);
        assert_eq!(edit_similarity("", ""), 100.0);
        assert_eq!(edit_similarity("", "a"), 0.0);
        assert_eq!(trace_edit_similarity("kitten", "sitting"), 62.0);
        assert_eq!(trace_edit_similarity("", ""), 0.0);
    }

    #[test]
    fn literals_are_put_back() {
        assert_eq!(
            with_literals("x = <NUM_LIT> + <STR_LIT>f(<STR_LIT:a b>, <NUM_LIT:1>)"),
            "x = 0 + f(a b, 1)"
        );
        assert_eq!(with_literals("<STR_LIT:<STR_LIT:a>"), "<STR_LIT:a");
        assert_eq!(with_literals("<STR_LIT:open <CHAR_LIT:\u{e9}\n>"), "open <CHAR_LIT:\u{e9}\n");
        assert_eq!(with_literals("a < b > c"), "a < b > c");
    }
}
