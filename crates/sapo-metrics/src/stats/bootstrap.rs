//! Bootstrap intervals: percentile and BCa.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{CONFIDENCE, Estimate, StatsError, check_values, mean, normal};

const OPERATION: &str = "bootstrap interval";

/// How often a resample without a defined statistic is drawn again before the interval is given up.
const REDRAWS: usize = 100;

/// The seed of every interval and test that is shown, so that the same numbers have the same interval everywhere.
pub const STATISTICS_SEED: u64 = 0;

/// The mean of `values` as it is shown, with its 95 % interval (BCa, 10,000 resamples, [`STATISTICS_SEED`]). A single value
/// has none ([`Estimate::single`]), and nothing no mean.
///
/// # Errors
/// A value that is not finite.
pub fn estimate(values: &[f64]) -> Result<Option<Estimate>, StatsError> {
    check_values(OPERATION, values, 0)?;
    match values {
        [] => Ok(None),
        [single] => Ok(Some(Estimate::single(*single))),
        several => Bootstrap::new(STATISTICS_SEED).mean(several).map(Some),
    }
}

/// How the interval is read from the resamples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntervalMethod {
    /// The quantiles of the resampled statistic.
    Percentile,
    /// Bias-corrected and accelerated: better for few values and skewed statistics.
    Bca,
}

/// A bootstrap: what is resampled how often, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// How many resamples are drawn.
    pub resamples: usize,
    /// The share of intervals that shall hold the truth.
    pub confidence: f64,
    /// How the interval is read from the resamples.
    pub method: IntervalMethod,
    /// Resample b is drawn from stream b of this seed, so threads cannot change the result.
    pub seed: u64,
}

impl Bootstrap {
    /// The usual one: 10,000 resamples, BCa, 95 %.
    pub fn new(seed: u64) -> Self {
        Self { resamples: 10_000, confidence: CONFIDENCE, method: IntervalMethod::Bca, seed }
    }

    /// The mean of `values` with its interval.
    ///
    /// # Errors
    /// Fewer than two values (one says nothing about its spread; see [`Estimate::single`]), a value that is not
    /// finite, settings out of range.
    pub fn mean(&self, values: &[f64]) -> Result<Estimate, StatsError> {
        check_values(OPERATION, values, 2)?;
        let statistic =
            |chosen: &[usize]| Some(chosen.iter().map(|&i| values[i]).sum::<f64>() / chosen.len() as f64);
        let estimate = self.statistic(values.len(), statistic)?;
        Ok(Estimate { mean: mean(values), ..estimate })
    }

    /// Any statistic of n things, given as a function of which of them were drawn.
    ///
    /// Where the statistic is undefined on a resample (a correlation of a constant), that resample is drawn again.
    ///
    /// # Errors
    /// Fewer than two things, settings out of range, a statistic that is undefined on the things themselves.
    ///
    /// # Source
    /// Efron and Tibshirani (1993), "An introduction to the bootstrap", chapters 13 and 14.
    pub fn statistic(
        &self,
        n: usize,
        statistic: impl Fn(&[usize]) -> Option<f64> + Sync,
    ) -> Result<Estimate, StatsError> {
        self.check()?;
        if n < 2 {
            return Err(StatsError::TooFew { operation: OPERATION, needed: 2, got: n });
        }
        let everything: Vec<usize> = (0..n).collect();
        let observed = statistic(&everything).ok_or(StatsError::Constant { operation: OPERATION })?;

        let distribution = (0..self.resamples)
            .into_par_iter()
            .with_min_len(64)
            .map_init(
                || vec![0; n],
                |chosen, b| {
                    let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
                    rng.set_stream(b as u64);
                    (0..REDRAWS).find_map(|_| {
                        chosen.fill_with(|| rng.random_range(0..n));
                        statistic(chosen)
                    })
                },
            )
            .collect::<Option<Vec<f64>>>()
            .ok_or(StatsError::Constant { operation: OPERATION })?;

        let jackknife: Option<Vec<f64>> = match self.method {
            IntervalMethod::Percentile => None,
            IntervalMethod::Bca => {
                (0..n).map(|out| statistic(&[&everything[..out], &everything[out + 1..]].concat())).collect()
            }
        };
        let (low, high) = bootstrap_interval(distribution, observed, jackknife.as_deref(), self.confidence);
        Ok(Estimate { mean: observed, low, high, n })
    }

    fn check(&self) -> Result<(), StatsError> {
        let setting = |setting, got, expected| {
            Err(StatsError::Setting { operation: OPERATION, setting, got, expected })
        };
        if self.resamples < 100 {
            return setting("resamples", self.resamples as f64, "at least 100");
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return setting("confidence", self.confidence, "more than 0 and less than 1");
        }
        Ok(())
    }
}

/// The interval that a resampled statistic gives.
///
/// With the `jackknife` values of the statistic (each thing left out once) it is BCa, without them percentile.
/// Where BCa's corrections are undefined (all resamples on one side of the observed value, or a jackknife without
/// variance) it falls back to percentile, where scipy gives NaN.
///
/// # Source
/// Efron and Tibshirani (1993), equations 14.9, 14.10, 14.14, 14.15; `scipy.stats.bootstrap`.
pub fn bootstrap_interval(
    mut distribution: Vec<f64>,
    observed: f64,
    jackknife: Option<&[f64]>,
    confidence: f64,
) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    let (low, high) = jackknife
        .and_then(|jackknife| bca_levels(&distribution, observed, jackknife, tail))
        .unwrap_or((tail, 1.0 - tail));
    distribution.sort_by(f64::total_cmp);
    (quantile(&distribution, low), quantile(&distribution, high))
}

/// Which quantiles BCa takes in the place of `tail` and `1 - tail`.
fn bca_levels(distribution: &[f64], observed: f64, jackknife: &[f64], tail: f64) -> Option<(f64, f64)> {
    let below = distribution.iter().filter(|&&value| value < observed).count();
    let not_above = distribution.iter().filter(|&&value| value <= observed).count();
    let bias = normal::quantile((below + not_above) as f64 / (2 * distribution.len()) as f64);

    let centre = mean(jackknife);
    let power_sum = |power| jackknife.iter().map(|value| (centre - value).powi(power)).sum::<f64>();
    let acceleration = power_sum(3) / (6.0 * power_sum(2).powf(1.5));

    let level = |z: f64| normal::cdf(bias + (bias + z) / (1.0 - acceleration * (bias + z)));
    let z = normal::quantile(tail);
    let levels = (level(z), level(-z));
    (bias.is_finite() && levels.0.is_finite() && levels.1.is_finite()).then_some(levels)
}

/// The quantile of sorted values, linear between neighbours as numpy's default.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let place = level * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_interval_on_any_number_of_threads() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
        let bootstrap = Bootstrap { resamples: 2_000, ..Bootstrap::new(3) };
        let here = bootstrap.mean(&values).unwrap();
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(one_thread.install(|| bootstrap.mean(&values).unwrap()), here);
        let other_seed = Bootstrap { seed: 4, ..bootstrap };
        assert_ne!(other_seed.mean(&values).unwrap(), here);
        assert!(here.low < here.mean && here.mean < here.high);
    }

    #[test]
    fn covers_the_truth_about_as_often_as_it_says() {
        // Means of 20 uniform numbers; the truth is 0.5. 400 intervals of 90 %: 3 standard errors are 4.5 %.
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for method in [IntervalMethod::Percentile, IntervalMethod::Bca] {
            let covered = (0..400)
                .filter(|&seed| {
                    let values: Vec<f64> = (0..20).map(|_| rng.random()).collect();
                    let bootstrap = Bootstrap { resamples: 500, confidence: 0.9, method, seed };
                    let estimate = bootstrap.mean(&values).unwrap();
                    estimate.low <= 0.5 && 0.5 <= estimate.high
                })
                .count();
            assert!((330..=380).contains(&covered), "{method:?}: {covered} of 400");
        }
    }

    #[test]
    fn equal_values_have_an_interval_of_no_width() {
        let estimate = Bootstrap::new(0).mean(&[3.0; 5]).unwrap();
        assert_eq!(estimate, Estimate { mean: 3.0, low: 3.0, high: 3.0, n: 5 });
    }

    #[test]
    fn any_number_of_values_is_shown() {
        assert_eq!(estimate(&[]).unwrap(), None);
        assert_eq!(estimate(&[2.0]).unwrap(), Some(Estimate::single(2.0)));
        assert_eq!(estimate(&[2.0, 4.0]).unwrap(), Some(Bootstrap::new(0).mean(&[2.0, 4.0]).unwrap()));
        assert!(matches!(estimate(&[f64::NAN]), Err(StatsError::NotFinite { index: 0, .. })));
    }

    #[test]
    fn what_cannot_be_said_is_an_error() {
        let bootstrap = Bootstrap::new(0);
        assert!(matches!(bootstrap.mean(&[1.0]), Err(StatsError::TooFew { needed: 2, got: 1, .. })));
        assert!(matches!(bootstrap.mean(&[1.0, f64::NAN]), Err(StatsError::NotFinite { index: 1, .. })));
        for broken in [Bootstrap { resamples: 0, ..bootstrap }, Bootstrap { confidence: 1.0, ..bootstrap }] {
            assert!(matches!(broken.mean(&[1.0, 2.0]), Err(StatsError::Setting { .. })));
        }
    }
}
