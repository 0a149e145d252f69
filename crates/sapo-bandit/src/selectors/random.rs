use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Selector;
use crate::{LossOracle, OracleError, Selection};

/// A uniform draw, without asking: what any variation of the wording gives.
#[derive(Debug, Clone, Copy)]
pub struct Random;

impl Selector for Random {
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError> {
        if oracle.arms() == 0 {
            return Err("there are no arms to choose from".into());
        }
        let winner = ChaCha8Rng::seed_from_u64(seed).random_range(0..oracle.arms());
        Ok(Selection::unasked(winner, oracle.arms()))
    }
}
