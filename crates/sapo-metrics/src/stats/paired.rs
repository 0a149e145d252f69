//! Two arms that were run on the same seeds: is there a difference, how large, how sure?

use serde::{Deserialize, Serialize};

use super::{
    Bootstrap, Estimate, StatsError, check_pairs, check_values, mean, sign_flip_test, wilcoxon_test,
};

/// What two lists of paired scores say about each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedComparison {
    /// The mean of a - b with its 95 % bootstrap interval (BCa).
    pub difference: Estimate,
    /// The two-sided p-value of the sign-flip test.
    pub p_permutation: f64,
    /// The two-sided p-value of Wilcoxon's signed-rank test.
    pub p_wilcoxon: f64,
    /// Cohen's dz; `None` where all differences are equal.
    pub effect_size_dz: Option<f64>,
    /// How many pairs there are.
    pub n: usize,
}

/// Compares `a` with `b`, where `a[i]` and `b[i]` belong together.
///
/// # Errors
/// Lists of unlike length, fewer than two pairs, a value that is not finite.
pub fn paired_comparison(a: &[f64], b: &[f64], seed: u64) -> Result<PairedComparison, StatsError> {
    check_pairs("paired comparison", a, b, 2)?;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    Ok(PairedComparison {
        difference: Bootstrap::new(seed).mean(&differences)?,
        p_permutation: sign_flip_test(&differences, seed)?,
        p_wilcoxon: wilcoxon_test(&differences)?,
        effect_size_dz: cohens_dz(&differences)?,
        n: differences.len(),
    })
}

/// The mean difference in units of the differences' standard deviation, or `None` where they do not vary.
///
/// # Errors
/// Fewer than two differences, or one that is not finite.
///
/// # Source
/// Cohen (1988), "Statistical power analysis for the behavioral sciences", section 2.3.5.
pub fn cohens_dz(differences: &[f64]) -> Result<Option<f64>, StatsError> {
    check_values("Cohen's dz", differences, 2)?;
    if differences.iter().all(|&d| d == differences[0]) {
        return Ok(None);
    }
    let centre = mean(differences);
    let squares: f64 = differences.iter().map(|d| (d - centre).powi(2)).sum();
    Ok(Some(centre / (squares / (differences.len() - 1) as f64).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clear_difference() {
        let b = [50.0, 60.0, 55.0, 40.0, 70.0, 65.0, 52.0, 48.0];
        let a: Vec<f64> = b.iter().enumerate().map(|(i, b)| b + 2.0 + 0.1 * i as f64).collect();
        let comparison = paired_comparison(&a, &b, 0).unwrap();
        assert!((comparison.difference.mean - 2.35).abs() < 1e-9);
        assert!(comparison.difference.low > 2.0 && comparison.difference.high < 2.7);
        assert_eq!(comparison.p_permutation, 2.0 / 256.0);
        assert_eq!(comparison.p_wilcoxon, 2.0 / 256.0);
        // Mean 2.35 over the deviation of 0, 0.1 .. 0.7: sqrt(0.06).
        assert!((comparison.effect_size_dz.unwrap() - 2.35 / 0.06f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn equal_arms_and_broken_input() {
        let a = [1.0, 2.0, 3.0];
        let same = paired_comparison(&a, &a, 0).unwrap();
        assert_eq!((same.p_permutation, same.p_wilcoxon, same.effect_size_dz), (1.0, 1.0, None));
        assert_eq!(same.difference, Estimate { mean: 0.0, low: 0.0, high: 0.0, n: 3 });
        assert!(paired_comparison(&a, &a[..2], 0).is_err());
        assert!(paired_comparison(&a[..1], &a[..1], 0).is_err());
        assert!(paired_comparison(&a, &[1.0, f64::NAN, 3.0], 0).is_err());
    }
}
