//! How far wordings are from the original and from each other.

use std::collections::HashSet;

use crate::PromptPool;
use crate::text::tokens;

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

/// How varied a pool is.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolDiversity {
    /// Distance of every variant to the original, in the pool's order (the original's own is 0).
    pub to_original: Vec<f64>,
    /// Mean distance over all pairs of variants.
    pub mean_pair: f64,
    /// The two variants that are closest, with their distance.
    pub closest: (String, String, f64),
}

impl PoolDiversity {
    /// Measures a pool by [`ngram_distance`]; nothing for a pool of the original alone, which has no pair.
    pub fn of(pool: &PromptPool) -> Option<Self> {
        let grams: Vec<_> = pool.variants().iter().map(|variant| ngrams(variant.text.as_str())).collect();
        let mut closest: Option<(usize, usize, f64)> = None;
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (i, a) in grams.iter().enumerate() {
            for (j, b) in grams.iter().enumerate().skip(i + 1) {
                let distance = jaccard_distance(a, b);
                (sum, pairs) = (sum + distance, pairs + 1.0);
                if closest.is_none_or(|(_, _, least)| distance < least) {
                    closest = Some((i, j, distance));
                }
            }
        }
        let (i, j, distance) = closest?;
        let id = |index: usize| pool.variants()[index].id.clone();
        Some(Self {
            to_original: grams.iter().map(|other| jaccard_distance(&grams[0], other)).collect(),
            mean_pair: sum / pairs,
            closest: (id(i), id(j), distance),
        })
    }
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
        let diversity = PoolDiversity::of(&pool).unwrap();
        // original: abc bcd; p01: abc bcd cde; p02: wxy xyz
        assert!((diversity.to_original[1] - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(diversity.to_original[0], 0.0);
        assert_eq!(diversity.to_original[2], 1.0);
        assert!((diversity.mean_pair - (1.0 / 3.0 + 1.0 + 1.0) / 3.0).abs() < 1e-12);
        assert_eq!((diversity.closest.0.as_str(), diversity.closest.1.as_str()), ("original", "p01"));

        let alone = PromptPool::new(Instruction::new("abcd"), vec![], vec![]).unwrap();
        assert_eq!(PoolDiversity::of(&alone), None);
    }
}
