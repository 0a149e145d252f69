use crate::paired::RatioSample;

/// A bound on the probability of what was seen, or of anything further off, while the population's mean of
/// `z = y + slack t` is at most 0; z lies within a range of this width.
///
/// Of n out of N values with mean m and standard deviation s about it, the population's mean is above
/// `m - s sqrt(2 rho L / n) - (7/3 + 3/sqrt(2)) width L / n` with probability `1 - 5 exp(-L)`, where
/// `rho = 1 - (n - 1)/N` up to `n = N/2` and `(1 - n/N)(1 + 1/n)` beyond; the L that brings this to 0 is found.
///
/// # Source
/// Bardenet and Maillard 2015, Concentration inequalities for sampling without replacement (arXiv 1309.4029), Theorem
/// 4.3, with the variance of its equation 26 (divisor n). `7/3 + 3/sqrt(2)`, both branches of rho, the failure probability
/// of 5 exp(-L) for one side and the divisor were compared with three programs by others that state the theorem in the
/// same form, one of them by page and equation of the paper's second version; the paper itself was not at hand.
pub(super) fn risk(sample: &RatioSample, slack: f64, width: f64) -> f64 {
    let mean = sample.residual_mean(-slack);
    if sample.whole() {
        return f64::from(mean < 0.0);
    }
    if mean <= 0.0 || width == 0.0 {
        return 1.0;
    }
    let (n, population) = (sample.seen as f64, sample.population as f64);
    let rho = if 2 * sample.seen <= sample.population {
        1.0 - (n - 1.0) / population
    } else {
        (1.0 - n / population) * (1.0 + 1.0 / n)
    };
    // mean = a x + b x^2 with x = sqrt(L)
    let a = (2.0 * rho * sample.residual_variance(-slack) / n).sqrt();
    let b = (7.0 / 3.0 + 3.0 / std::f64::consts::SQRT_2) * width / n;
    let x = 2.0 * mean / (a + (a * a + 4.0 * b * mean).sqrt());
    (5.0 * (-x * x).exp()).min(1.0)
}
