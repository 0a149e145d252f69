//! How far wordings are from the original and from each other.

use std::collections::HashSet;

use crate::text::tokens;
use crate::{PromptPool, PromptVariant};

/// Length of the character n-grams of [`ngram_distance`].
const N: usize = 3;

/// Jaccard distance of the sets of character 3-grams of two wordings, read without case and punctuation.
///
/// Characters rather than words, because it must mean the same for Chinese, which has no spaces.
///
/// # Units
/// 0 (the same 3-grams) to 1 (none in common).
pub fn ngram_distance(a: &str, b: &str) -> f64 {
    jaccard_distance(&ngrams(a), &ngrams(b))
}

/// Share of the different words of two wordings that both have, read without case; a CJK character is a word.
///
/// # Units
/// 0 (none in common) to 1 (the same words).
pub fn vocabulary_overlap(a: &str, b: &str) -> f64 {
    1.0 - jaccard_distance(&words(a), &words(b))
}

/// Number of words; a CJK character is a word.
pub fn word_count(text: &str) -> usize {
    tokens(text).len()
}

/// How varied a pool is.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolDiversity {
    /// Every variant beside the original, in the pool's order.
    pub variants: Vec<VariantShape>,
    /// Over all pairs of variants; none for a pool of the original alone.
    pub pairs: Option<PairDistances>,
}

/// One wording beside the original.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VariantShape {
    /// Its length by [`word_count`].
    pub words: usize,
    /// [`ngram_distance`] to the original; 0 for the original itself.
    pub distance: f64,
    /// [`vocabulary_overlap`] with the original; 1 for the original itself.
    pub vocabulary_overlap: f64,
}

/// How far variants are from each other by [`ngram_distance`].
#[derive(Debug, Clone, PartialEq)]
pub struct PairDistances {
    /// Mean over all pairs.
    pub mean: f64,
    /// The two variants that are closest, by id, with their distance.
    pub closest: (String, String, f64),
    /// Mean [`vocabulary_overlap`] over all pairs.
    pub mean_vocabulary_overlap: f64,
}

impl PoolDiversity {
    /// Measures a pool.
    pub fn of(pool: &PromptPool) -> Self {
        let read: Vec<(HashSet<String>, HashSet<String>)> = pool
            .variants()
            .iter()
            .map(|variant| (ngrams(variant.text.as_str()), words(variant.text.as_str())))
            .collect();
        let shape =
            |(variant, (grams, words)): (&PromptVariant, &(HashSet<String>, HashSet<String>))| VariantShape {
                words: word_count(variant.text.as_str()),
                distance: jaccard_distance(&read[0].0, grams),
                vocabulary_overlap: 1.0 - jaccard_distance(&read[0].1, words),
            };
        let variants = pool.variants().iter().zip(&read).map(shape).collect();
        Self { variants, pairs: PairDistances::of(pool, &read) }
    }
}

impl PairDistances {
    fn of(pool: &PromptPool, read: &[(HashSet<String>, HashSet<String>)]) -> Option<Self> {
        let mut closest: Option<(usize, usize, f64)> = None;
        let (mut distances, mut overlaps, mut pairs) = (0.0, 0.0, 0.0);
        for (i, (grams, words)) in read.iter().enumerate() {
            for (j, (other_grams, other_words)) in read.iter().enumerate().skip(i + 1) {
                let distance = jaccard_distance(grams, other_grams);
                distances += distance;
                overlaps += 1.0 - jaccard_distance(words, other_words);
                pairs += 1.0;
                if closest.is_none_or(|(_, _, least)| distance < least) {
                    closest = Some((i, j, distance));
                }
            }
        }
        let (i, j, distance) = closest?;
        let id = |index: usize| pool.variants()[index].id.clone();
        Some(Self {
            mean: distances / pairs,
            closest: (id(i), id(j), distance),
            mean_vocabulary_overlap: overlaps / pairs,
        })
    }
}

fn words(text: &str) -> HashSet<String> {
    tokens(text).into_iter().collect()
}

fn ngrams(text: &str) -> HashSet<String> {
    let chars: Vec<char> = tokens(text).join(" ").chars().collect();
    if chars.is_empty() {
        return HashSet::new();
    }
    chars.windows(N.min(chars.len())).map(|window| window.iter().collect()).collect()
}

fn jaccard_distance(a: &HashSet<String>, b: &HashSet<String>) -> f64 {
    let shared = a.intersection(b).count();
    let all = a.len() + b.len() - shared;
    if all == 0 { 0.0 } else { 1.0 - shared as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Instruction, Origin, PromptVariant};

    #[test]
    fn distances_counted_by_hand() {
        // abcd: abc bcd; bcde: bcd cde -> 1 shared of 3
        assert!((ngram_distance("abcd", "bcde") - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(ngram_distance("Say it!", "say  it"), 0.0);
        assert_eq!(ngram_distance("abc", "xyz"), 1.0);
        assert_eq!(ngram_distance("", "…"), 0.0);
        assert_eq!(ngram_distance("", "abc"), 1.0);
    }

    #[test]
    fn a_pool_reports_its_closest_pair() {
        let variant = |id: &str, text: &str| PromptVariant {
            id: id.into(),
            text: Instruction::new(text),
            origin: Origin::original(),
        };
        let paraphrases = vec![variant("p01", "abcde"), variant("p02", "wxyz")];
        let pool = PromptPool::new(Instruction::new("abcd"), vec![], paraphrases).unwrap();
        let diversity = PoolDiversity::of(&pool);
        let distances: Vec<f64> = diversity.variants.iter().map(|shape| shape.distance).collect();
        // original: abc bcd; p01: abc bcd cde; p02: wxy xyz
        assert!((distances[1] - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((distances[0], distances[2]), (0.0, 1.0));
        let pairs = diversity.pairs.unwrap();
        assert!((pairs.mean - (1.0 / 3.0 + 1.0 + 1.0) / 3.0).abs() < 1e-12);
        assert_eq!((pairs.closest.0.as_str(), pairs.closest.1.as_str()), ("original", "p01"));
        assert_eq!(pairs.mean_vocabulary_overlap, 0.0);

        let alone = PromptPool::new(Instruction::new("abcd"), vec![], vec![]).unwrap();
        let alone = PoolDiversity::of(&alone);
        assert_eq!(alone.pairs, None);
        assert_eq!(alone.variants, [VariantShape { words: 1, distance: 0.0, vocabulary_overlap: 1.0 }]);
    }

    #[test]
    fn words_are_counted_and_shared() {
        assert_eq!(word_count("Say \"yes\" or no, 判断"), 6);
        // say yes or no; yes or maybe: 2 of 5
        assert!((vocabulary_overlap("Say yes or no!", "YES, or maybe") - 0.4).abs() < 1e-12);
        assert_eq!(vocabulary_overlap("a", "b"), 0.0);
    }
}
