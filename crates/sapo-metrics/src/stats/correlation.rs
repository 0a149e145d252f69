//! Pearson's and Spearman's correlation with intervals.

use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;

use super::{Bootstrap, CONFIDENCE, Estimate, StatsError, check_pairs, mean, normal};

/// A correlation with its 95 % interval and the p-value of no correlation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// The correlation, -1 to 1.
    pub r: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
    /// The two-sided p-value of no correlation.
    pub p: f64,
    /// How many pairs there are.
    pub n: usize,
}

/// Pearson's correlation with the interval by Fisher's z.
///
/// Three pairs have no such interval: it is \[-1, 1\].
///
/// # Errors
/// Lists of unlike length, fewer than three pairs, a value that is not finite, a list of equal values.
///
/// # Source
/// Fisher (1921); `scipy.stats.pearsonr` and its `confidence_interval()`.
pub fn pearson(x: &[f64], y: &[f64]) -> Result<Correlation, StatsError> {
    const OPERATION: &str = "Pearson correlation";
    check_pairs(OPERATION, x, y, 3)?;
    let r = linear(x, y).ok_or(StatsError::Constant { operation: OPERATION })?;
    Ok(with_fisher_interval(r, x.len(), 1.0))
}

/// Spearman's rank correlation with the interval by Fisher's z, its variance widened by 1 + r²/2.
///
/// # Errors
/// As [`pearson`].
///
/// # Source
/// Correlation and p-value: `scipy.stats.spearmanr`. Interval: Bonett and Wright (2000), "Sample size requirements
/// for estimating Pearson, Kendall and Spearman correlations".
pub fn spearman(x: &[f64], y: &[f64]) -> Result<Correlation, StatsError> {
    const OPERATION: &str = "Spearman correlation";
    check_pairs(OPERATION, x, y, 3)?;
    let r = linear(&ranks(x), &ranks(y)).ok_or(StatsError::Constant { operation: OPERATION })?;
    Ok(with_fisher_interval(r, x.len(), 1.0 + r * r / 2.0))
}

/// Pearson's correlation with a bootstrap interval over the pairs, which asks for no normal distribution.
///
/// # Errors
/// As [`pearson`], and those of [`Bootstrap::statistic`].
pub fn pearson_bootstrap(x: &[f64], y: &[f64], bootstrap: &Bootstrap) -> Result<Estimate, StatsError> {
    check_pairs("Pearson correlation", x, y, 3)?;
    bootstrap.statistic(x.len(), |chosen| linear(&pick(x, chosen), &pick(y, chosen)))
}

/// Spearman's correlation with a bootstrap interval over the pairs.
///
/// # Errors
/// As [`spearman`], and those of [`Bootstrap::statistic`].
pub fn spearman_bootstrap(x: &[f64], y: &[f64], bootstrap: &Bootstrap) -> Result<Estimate, StatsError> {
    check_pairs("Spearman correlation", x, y, 3)?;
    bootstrap.statistic(x.len(), |chosen| linear(&ranks(&pick(x, chosen)), &ranks(&pick(y, chosen))))
}

fn pick(values: &[f64], chosen: &[usize]) -> Vec<f64> {
    chosen.iter().map(|&i| values[i]).collect()
}

/// Pearson's r, or `None` where one of the lists is constant.
fn linear(x: &[f64], y: &[f64]) -> Option<f64> {
    let (x, y) = (centred(x)?, centred(y)?);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    // One root of the product, so that equal lists (equal ranks, above all) give exactly 1.
    Some((product(&x, &y) / (product(&x, &x) * product(&y, &y)).sqrt()).clamp(-1.0, 1.0))
}

/// The values with mean 0 and the largest 1: squares of very large or very small numbers would leave f64.
fn centred(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().all(|&value| value == values[0]) {
        return None;
    }
    let centre = mean(values);
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max((value - centre).abs()));
    (largest > 0.0 && largest.is_finite())
        .then(|| values.iter().map(|value| (value - centre) / largest).collect())
}

fn with_fisher_interval(r: f64, n: usize, variance_factor: f64) -> Correlation {
    let (low, high) = if n > 3 {
        let half = normal::quantile(0.5 + CONFIDENCE / 2.0) * (variance_factor / (n - 3) as f64).sqrt();
        ((r.atanh() - half).tanh(), (r.atanh() + half).tanh())
    } else {
        (-1.0, 1.0)
    };
    Correlation { r, low, high, p: p_value(r, n), n }
}

/// The t-test of r = 0, written as the beta distribution that (1 - r) / 2 then has.
fn p_value(r: f64, n: usize) -> f64 {
    let shape = n as f64 / 2.0 - 1.0;
    (2.0 * beta_reg(shape, shape, (1.0 - r.abs()) / 2.0)).min(1.0)
}

/// The ranks from 1; equal values share the mean of their ranks.
pub(super) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f64 + (tied.len() + 1) as f64 / 2.0;
        for &i in tied {
            ranks[i] = rank;
        }
        below += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_a_rank() {
        assert_eq!(ranks(&[10.0, -1.0, 10.0, 0.0, -0.0]), [4.5, 1.0, 4.5, 2.5, 2.5]);
    }

    #[test]
    fn perfect_and_constant() {
        let up = [1.0, 2.0, 3.0, 5.0];
        let line = pearson(&up, &[3.0, 5.0, 7.0, 11.0]).unwrap();
        assert!((line.r - 1.0).abs() < 1e-12 && line.p < 1e-6 && line.high <= 1.0, "{line:?}");
        let curve = spearman(&up, &[-1.0, -8.0, -27.0, -125.0]).unwrap();
        assert!((curve.r + 1.0).abs() < 1e-12, "{curve:?}");
        let error = pearson(&up, &[2.0; 4]).unwrap_err();
        assert_eq!(error, StatsError::Constant { operation: "Pearson correlation" });
        assert!(matches!(pearson(&up, &up[1..]), Err(StatsError::Unpaired { left: 4, right: 3, .. })));
        assert!(matches!(pearson(&up[..2], &up[..2]), Err(StatsError::TooFew { needed: 3, got: 2, .. })));
    }

    #[test]
    fn bootstrap_interval_holds_r_and_survives_constant_resamples() {
        let x: Vec<f64> = (0..30).map(f64::from).collect();
        let y: Vec<f64> = (0..30).map(|i| f64::from(i + i * 5 % 13)).collect();
        let bootstrap = Bootstrap { resamples: 1_000, ..Bootstrap::new(0) };
        for (estimate, r) in [
            (pearson_bootstrap(&x, &y, &bootstrap).unwrap(), pearson(&x, &y).unwrap().r),
            (spearman_bootstrap(&x, &y, &bootstrap).unwrap(), spearman(&x, &y).unwrap().r),
        ] {
            assert!((estimate.mean - r).abs() < 1e-12);
            assert!(-1.0 <= estimate.low && estimate.low < r && r < estimate.high && estimate.high <= 1.0);
        }
        // A third of the resamples of four pairs with one odd value is constant.
        assert!(pearson_bootstrap(&[0.0, 0.0, 0.0, 1.0], &[1.0, 2.0, 3.0, 9.0], &bootstrap).is_ok());
    }
}
