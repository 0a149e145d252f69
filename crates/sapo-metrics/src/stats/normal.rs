//! The standard normal distribution.

use std::f64::consts::SQRT_2;

use statrs::function::erf::{erfc, erfc_inv};

/// The share below `z`.
pub(super) fn cdf(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// The z below which the share `p` lies; infinite at 0 and 1.
pub(super) fn quantile(p: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_scipy() {
        // scipy.special 1.17.1: ndtr(z), ndtri(p)
        for (z, p) in [
            (-8.0, 6.22096057427174e-16),
            (-1.959963984540054, 0.025),
            (0.0, 0.5),
            (0.3, 0.6179114221889526),
            (3.0, 0.9986501019683699),
        ] {
            assert!((cdf(z) / p - 1.0).abs() < 1e-10, "{z}: {}", cdf(z));
        }
        for (p, z) in [(0.975, 1.959963984540054), (0.0001, -3.7190164854556804), (0.6, 0.2533471031357997)] {
            assert!((quantile(p) - z).abs() < 1e-12, "{p}: {}", quantile(p));
        }
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0), f64::INFINITY);
    }
}
