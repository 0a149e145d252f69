//! Random draws that several rules share.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The places `0..count` in random order.
pub(crate) fn shuffled(count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(rng);
    order
}

/// Places drawn with these chances, each at most 1: one random number and those that follow it at a distance of 1 pick from
/// the chances laid end to end, so that no place comes twice and the count is the sum of the chances, rounded up or down.
///
/// # Source
/// Madow 1949, On the Theory of Systematic Sampling, II.
pub(crate) fn systematic(chances: impl Iterator<Item = f64>, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let (mut next, mut reached) = (rng.random::<f64>(), 0.0);
    let mut places = Vec::new();
    for (place, chance) in chances.enumerate() {
        reached += chance;
        if next < reached {
            places.push(place);
            next += 1.0;
        }
    }
    places
}

/// A draw from the standard normal distribution (Box and Muller 1958).
pub(crate) fn gaussian(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn systematic_draws_keep_their_chances_and_their_number() {
        let chances = [0.1, 1.0, 0.0, 0.75, 0.4];
        let (mut rng, draws) = (ChaCha8Rng::seed_from_u64(0), 20_000);
        let mut counts = [0; 5];
        for _ in 0..draws {
            let places = systematic(chances.into_iter(), &mut rng);
            assert!((2..=3).contains(&places.len()) && places.is_sorted_by(|a, b| a < b), "{places:?}");
            places.into_iter().for_each(|place| counts[place] += 1);
        }
        for (count, chance) in counts.into_iter().zip(chances) {
            let share = f64::from(count) / f64::from(draws);
            assert!((share - chance).abs() < 0.02, "{share}, expected {chance}");
        }
    }
}
