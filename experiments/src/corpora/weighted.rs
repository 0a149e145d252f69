use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Places that are drawn in proportion to their weights.
#[derive(Debug, Default)]
pub(super) struct Weighted {
    /// Running sums of the weights.
    sums: Vec<f64>,
}

impl Weighted {
    /// One more place.
    pub(super) fn push(&mut self, weight: f64) {
        self.sums.push(self.sums.last().copied().unwrap_or(0.0) + weight);
    }

    /// A place; 0 where there is none.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        let at = rng.random::<f64>() * self.sums.last().copied().unwrap_or(0.0);
        self.sums.partition_point(|&sum| sum <= at).min(self.sums.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn places_come_as_often_as_they_weigh() {
        let mut weighted = Weighted::default();
        [1.0, 0.0, 3.0].into_iter().for_each(|weight| weighted.push(weight));
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut counts = [0; 3];
        (0..4000).for_each(|_| counts[weighted.draw(&mut rng)] += 1);
        assert_eq!(counts[1], 0);
        assert!((900..1100).contains(&counts[0]), "{counts:?}"); // 1000, standard deviation 27
    }
}
