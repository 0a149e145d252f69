//! SARI: how well a simplification keeps, deletes and adds what the references do.

use std::collections::BTreeMap;

use super::mteval_13a;
use crate::metric::{MetricError, MetricSpec};

const MAX_N: usize = 4;

/// SARI of one prediction for `source` against all `references`, or `None` where there is no reference.
///
/// Lower-cased, split by the 13a tokeniser; the mean over n = 1..4 of the F-measures of kept and added n-grams and
/// the precision of deleted ones. 0/0 counts as 1.
///
/// # Units
/// 0-100.
///
/// # Source
/// Xu et al. (2016), "Optimizing statistical machine translation for text simplification"; the implementation that
/// TRACE uses, `sari` of Hugging Face `datasets` / `evaluate`, after tensor2tensor.
pub fn sari<R: AsRef<str>>(source: &str, prediction: &str, references: &[R]) -> Option<f64> {
    if references.is_empty() {
        return None;
    }
    let source = normalise(source);
    let prediction = normalise(prediction);
    let references: Vec<_> = references.iter().map(|reference| normalise(reference.as_ref())).collect();

    let sum: f64 = (1..=MAX_N)
        .map(|n| {
            // Source and prediction are counted once a reference, so that the counts can be compared.
            let source = count([&source], n, references.len());
            let prediction = count([&prediction], n, references.len());
            let references = count(&references, n, 1);
            keep_f_measure(&source, &prediction, &references)
                + delete_precision(&source, &prediction, &references)
                + add_f_measure(&source, &prediction, &references)
        })
        .sum();
    Some(100.0 * sum / (3 * MAX_N) as f64)
}

/// How often each n-gram occurs. Ordered, so that sums over it are the same in every run.
type Counts<'a> = BTreeMap<&'a [String], usize>;

fn normalise(text: &str) -> Vec<String> {
    let tokens = mteval_13a::tokens(&text.to_lowercase());
    // "".split(" ") is [""] in Python, so the reference counts an empty text as one empty word.
    if tokens.is_empty() { vec![String::new()] } else { tokens }
}

fn count<'a>(texts: impl IntoIterator<Item = &'a Vec<String>>, n: usize, times: usize) -> Counts<'a> {
    let mut counts = Counts::new();
    for ngram in texts.into_iter().flat_map(|text| text.windows(n)) {
        *counts.entry(ngram).or_default() += times;
    }
    counts
}

fn get(counts: &Counts, ngram: &[String]) -> usize {
    counts.get(ngram).copied().unwrap_or(0)
}

/// What both have, as often as both have it.
fn both<'a>(a: &Counts<'a>, b: &Counts) -> Counts<'a> {
    combine(a, b, usize::min)
}

/// What is left of `a` without `b`.
fn without<'a>(a: &Counts<'a>, b: &Counts) -> Counts<'a> {
    combine(a, b, usize::saturating_sub)
}

fn combine<'a>(a: &Counts<'a>, b: &Counts, with: impl Fn(usize, usize) -> usize) -> Counts<'a> {
    a.iter().map(|(&ngram, &n)| (ngram, with(n, get(b, ngram)))).filter(|&(_, n)| n > 0).collect()
}

/// The mean over the n-grams of `all` of the share of each that is `good`.
fn mean_share(good: &Counts, all: &Counts) -> f64 {
    let sum: f64 = good.iter().map(|(&ngram, &n)| n as f64 / get(all, ngram) as f64).sum();
    ratio(sum, all.len())
}

fn keep_f_measure(source: &Counts, prediction: &Counts, references: &Counts) -> f64 {
    let kept = both(source, prediction);
    let wanted = both(source, references);
    let good = both(&kept, references);
    let recall = ratio(good.values().sum::<usize>() as f64, wanted.values().sum());
    f_measure(mean_share(&good, &kept), recall)
}

fn delete_precision(source: &Counts, prediction: &Counts, references: &Counts) -> f64 {
    let deleted = without(source, prediction);
    mean_share(&without(&deleted, references), &deleted)
}

fn add_f_measure(source: &Counts, prediction: &Counts, references: &Counts) -> f64 {
    let new = |counts: &Counts| counts.keys().filter(|ngram| !source.contains_key(*ngram)).count();
    let good = prediction
        .keys()
        .filter(|ngram| !source.contains_key(*ngram) && references.contains_key(*ngram))
        .count() as f64;
    f_measure(ratio(good, new(prediction)), ratio(good, new(references)))
}

/// `part / whole`, where nothing of nothing is all of it.
fn ratio(part: f64, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part / whole as f64 }
}

fn f_measure(precision: f64, recall: f64) -> f64 {
    let sum = precision + recall;
    if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 }
}

pub(crate) const SARI: MetricSpec = MetricSpec {
    name: "sari",
    about: "kept, deleted and added n-grams of a simplification (Hugging Face), all references; needs the source",
    score: |sample| {
        let source = sample.source.ok_or(MetricError::NoSource { metric: "sari" })?;
        sari(source, sample.prediction, sample.references).ok_or(MetricError::NoReference { metric: "sari" })
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_of_the_reference() {
        // The example in the documentation of Hugging Face's metric.
        let score = sari(
            "About 95 species are currently accepted .",
            "About 95 you now get in .",
            &[
                "About 95 species are currently known .",
                "About 95 species are now accepted .",
                "95 species are now accepted .",
            ],
        );
        assert!((score.unwrap() - 26.953601953601954).abs() < 1e-9);
    }

    #[test]
    fn reference_itself_is_perfect_and_no_reference_is_none() {
        assert_eq!(sari("a b c d e", "a b d", &["a b d"]), Some(100.0));
        assert_eq!(sari::<&str>("a", "a", &[]), None);
    }
}
