//! The paired permutation test: which of two was which is exchanged at random.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{StatsError, check_values};

const OPERATION: &str = "sign-flip test";

/// Up to this many differences every assignment of signs is looked at.
const EXACT_UP_TO: usize = 20;

/// How many assignments are drawn where there are too many to look at all.
const DRAWS: usize = 99_999;

/// Two-sided p-value of the mean difference: the share of sign assignments whose mean is at least as far from 0.
///
/// Exact for up to 20 differences (the smallest p-value of n differences is 2 / 2^n); above, 99,999 assignments are
/// drawn from `seed` and the observed one is counted with them. Without any difference the p-value is 1.
///
/// # Errors
/// No difference given, or one that is not finite.
///
/// # Source
/// Fisher (1935), "The design of experiments"; `scipy.stats.permutation_test` with `permutation_type="samples"`.
pub fn sign_flip_test(differences: &[f64], seed: u64) -> Result<f64, StatsError> {
    check_values(OPERATION, differences, 1)?;
    let scale: f64 = differences.iter().map(|d| d.abs()).sum();
    // Sums that are equal on paper differ in the last bits by the order of addition.
    let observed = differences.iter().sum::<f64>().abs() - 1e-12 * scale;
    Ok(if differences.len() <= EXACT_UP_TO {
        exact(differences, observed)
    } else {
        drawn(differences, observed, seed)
    })
}

/// All assignments: every one of the first half's with every one of the second half's.
fn exact(differences: &[f64], observed: f64) -> f64 {
    let (first, second) = differences.split_at(differences.len() / 2);
    let (first, second) = (signed_sums(first), signed_sums(second));
    let extreme: usize =
        first.iter().map(|a| second.iter().filter(|&b| (a + b).abs() >= observed).count()).sum();
    extreme as f64 / (first.len() * second.len()) as f64
}

fn signed_sums(differences: &[f64]) -> Vec<f64> {
    differences.iter().fold(vec![0.0], |sums, d| sums.iter().flat_map(|sum| [sum + d, sum - d]).collect())
}

fn drawn(differences: &[f64], observed: f64, seed: u64) -> f64 {
    let extreme = (0..DRAWS)
        .into_par_iter()
        .with_min_len(256)
        .filter(|&draw| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(draw as u64);
            let sum: f64 = differences
                .chunks(64)
                .map(|chunk| {
                    let signs = rng.next_u64();
                    let signed = |(bit, d): (usize, &f64)| if signs >> bit & 1 == 0 { *d } else { -d };
                    chunk.iter().enumerate().map(signed).sum::<f64>()
                })
                .sum();
            sum.abs() >= observed
        })
        .count();
    (extreme + 1) as f64 / (DRAWS + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        // All of one sign: only this assignment and its mirror image are as far out.
        assert_eq!(sign_flip_test(&[1.0, 2.0, 3.0, 4.0], 0).unwrap(), 2.0 / 16.0);
        // 3 - 1 - 1 = 1, and no assignment comes closer to 0.
        assert_eq!(sign_flip_test(&[3.0, -1.0, -1.0], 0).unwrap(), 1.0);
        assert_eq!(sign_flip_test(&[0.0, 0.0], 0).unwrap(), 1.0);
        assert_eq!(sign_flip_test(&[5.0], 0).unwrap(), 1.0);
    }

    #[test]
    fn drawn_agrees_with_exact() {
        let differences: Vec<f64> = (0..18).map(|i| f64::from(i * 7 % 11) - 3.9).collect();
        let observed = differences.iter().sum::<f64>().abs();
        let (exact, drawn) = (exact(&differences, observed), drawn(&differences, observed, 1));
        // Four standard errors of 100,000 draws.
        assert!((exact - drawn).abs() < 4.0 * (exact * (1.0 - exact) / 1e5).sqrt(), "{exact} {drawn}");
    }

    #[test]
    fn many_differences() {
        let strong: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i % 3)).collect();
        assert_eq!(sign_flip_test(&strong, 0).unwrap(), 1e-5);
        let none: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(sign_flip_test(&none, 0).unwrap(), 1.0);
        assert!(sign_flip_test(&[], 0).is_err());
        assert!(sign_flip_test(&[f64::INFINITY], 0).is_err());
    }
}
