/// What share of the most that could be staked is staked, in one account each.
const STAKES: [f64; 8] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8];

/// A bound on the probability of what was seen, or of anything further off, at any time, while the population's mean of
/// z is at most 0; every z is at least `-depth`.
///
/// Somebody who does not believe in that mean bets on the next z before seeing it. While the mean is 0, the next z is
/// expected at `m = -(sum of z so far) / (examples unseen)`, and `1 + stake (z - m)` is a fair bet, that cannot ruin
/// for `stake <= 1 / (depth + m)`; while it is lower, the bet is worse than fair. So the chance that a capital of 1
/// ever grows to c is at most 1/c. The capital is split over accounts that stake different shares of that maximum.
///
/// # Source
/// Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting, section 5 (sampling without
/// replacement); 2020, Confidence sequences for sampling without replacement.
pub(super) fn risk(z: impl Iterator<Item = f64>, population: usize, depth: f64) -> f64 {
    let mut accounts = [1.0 / STAKES.len() as f64; STAKES.len()];
    let (mut most, mut sum, mut unseen) = (1.0_f64, 0.0, population as f64);
    if depth == 0.0 {
        return 1.0;
    }
    for z in z {
        let expected = -sum / unseen;
        let room = depth + expected;
        for (account, stake) in accounts.iter_mut().zip(STAKES) {
            *account *= (1.0 + stake * (z - expected) / room).max(0.0);
        }
        sum += z;
        unseen -= 1.0;
        if sum >= depth * unseen {
            // What is unseen cannot bring the mean below 0 any more.
            return 0.0;
        }
        most = most.max(accounts.iter().sum());
    }
    1.0 / most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_overturned_is_certain() {
        // 9 of 10 seen, each 1; the last is at least -5: the mean is at least 0.4
        assert_eq!(risk([1.0; 9].into_iter(), 10, 5.0), 0.0);
        assert_eq!(risk([-1.0; 5].into_iter(), 10, 5.0), 1.0);
        let evidence = |n| risk(std::iter::repeat_n(1.0, n), 1000, 5.0);
        assert!(evidence(50) < evidence(20) && evidence(50) < 1e-2, "{} {}", evidence(20), evidence(50));
    }
}
