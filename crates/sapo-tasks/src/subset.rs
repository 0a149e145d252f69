use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Draws `min(n, len)` different indices below `len`, in the order of drawing: a longer draw of one seed starts with
/// the shorter ones.
///
/// A partial Fisher-Yates shuffle under ChaCha8 seeded by `seed`, with an index below `m` made from a 64-bit word `w` as
/// `floor(w m / 2^64)`. Written out here because a library's sampling may change between versions, and with it every
/// recorded run.
pub fn subset(len: usize, n: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut indices: Vec<usize> = (0..len).collect();
    let drawn = n.min(len);
    for at in 0..drawn {
        let left = (len - at) as u128;
        let offset = (u128::from(rng.next_u64()) * left) >> 64;
        indices.swap(at, at + offset as usize);
    }
    indices.truncate(drawn);
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn draws_without_replacement(len in 0usize..200, n in 0usize..250, seed: u64) {
            let drawn = subset(len, n, seed);
            proptest::prop_assert_eq!(drawn.len(), n.min(len));
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            sorted.dedup();
            proptest::prop_assert_eq!(sorted.len(), drawn.len());
            proptest::prop_assert!(sorted.last().is_none_or(|last| *last < len));
            proptest::prop_assert_eq!(&subset(len, n / 2, seed)[..], &drawn[..(n / 2).min(len)]);
        }
    }

    #[test]
    fn every_index_is_drawn_about_equally_often() {
        let mut counts = [0u32; 10];
        for seed in 0..5_000 {
            for index in subset(10, 3, seed) {
                counts[index] += 1;
            }
        }
        // 1,500 expected, standard deviation 32: five of them on either side.
        assert!(counts.iter().all(|count| (1_340..=1_660).contains(count)), "{counts:?}");
    }

    /// Expected values: tests/fixtures/subset.py, which computes ChaCha8 and the draw from their definitions.
    #[test]
    fn draws_are_those_of_the_definition() {
        assert_eq!(subset(1000, 5, 42), [681, 950, 428, 628, 291]);
        assert_eq!(subset(1000, 100, 7)[95..], [472, 846, 352, 677, 269]);
    }
}
