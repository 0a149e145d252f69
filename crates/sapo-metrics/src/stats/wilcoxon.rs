//! Wilcoxon's signed-rank test.

use super::correlation::ranks;
use super::{StatsError, check_values, normal};

const OPERATION: &str = "Wilcoxon test";

/// Two-sided p-value that differences lie around 0, by the ranks of their sizes.
///
/// Zeros are dropped. Exact for up to 50 differences without ties and zeros, and for up to 13 with them; else the
/// normal approximation with the correction for ties and without one for continuity. Without any difference the
/// p-value is 1 (scipy: 1 or NaN).
///
/// # Errors
/// No difference given, or one that is not finite.
///
/// # Source
/// Wilcoxon (1945), "Individual comparisons by ranking methods"; the choices are those of `scipy.stats.wilcoxon`
/// (scipy 1.17) with its defaults `zero_method="wilcox"`, `correction=False`, `method="auto"`.
pub fn wilcoxon_test(differences: &[f64]) -> Result<f64, StatsError> {
    check_values(OPERATION, differences, 1)?;
    let nonzero: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
    let sizes: Vec<f64> = nonzero.iter().map(|d| d.abs()).collect();
    let ranks = ranks(&sizes);
    let ties = tie_counts(&sizes);
    let positive: f64 = nonzero.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, rank)| rank).sum();

    let plain = ties.iter().all(|&count| count == 1) && nonzero.len() == differences.len();
    let exact_up_to = if plain { 50 } else { 13 };
    Ok(if nonzero.is_empty() {
        1.0
    } else if differences.len() <= exact_up_to {
        exact(&ranks, positive)
    } else {
        approximate(nonzero.len() as f64, positive, &ties)
    })
}

/// How many values share each size, smallest size first.
fn tie_counts(sizes: &[f64]) -> Vec<usize> {
    let mut sorted = sizes.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).collect()
}

/// Twice the smaller tail of the rank sum when every sign is as likely as the other.
fn exact(ranks: &[f64], positive: f64) -> f64 {
    // Mean ranks of ties are halves, so everything is counted in halves.
    let halves: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
    let total: usize = halves.iter().sum();
    let mut share = vec![0.0; total + 1];
    share[0] = 1.0;
    for half in halves {
        for sum in (0..=total).rev() {
            let with = if sum >= half { share[sum - half] } else { 0.0 };
            share[sum] = 0.5 * (share[sum] + with);
        }
    }
    let observed = (2.0 * positive) as usize;
    let (low, high): (f64, f64) = (share[..=observed].iter().sum(), share[observed..].iter().sum());
    (2.0 * low.min(high)).min(1.0)
}

fn approximate(n: f64, positive: f64, ties: &[usize]) -> f64 {
    let correction: f64 = ties.iter().map(|&count| (count as f64).powi(3) - count as f64).sum();
    let mean = n * (n + 1.0) / 4.0;
    let deviation = ((n * (n + 1.0) * (2.0 * n + 1.0) - correction / 2.0) / 24.0).sqrt();
    2.0 * normal::cdf(-((positive - mean) / deviation).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        // All positive: one of 2^5 assignments in each tail.
        assert_eq!(wilcoxon_test(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap(), 2.0 / 32.0);
        assert_eq!(wilcoxon_test(&[1.0, 1.0, 1.0]).unwrap(), 2.0 / 8.0);
        assert_eq!(wilcoxon_test(&[1.0, -1.0, 0.0]).unwrap(), 1.0);
        assert_eq!(wilcoxon_test(&[0.0; 30]).unwrap(), 1.0);
        assert!(wilcoxon_test(&[]).is_err());
    }
}
