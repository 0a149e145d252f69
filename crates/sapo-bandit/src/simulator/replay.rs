use super::LossTable;
use crate::{LossOracle, Observation, OracleError};

/// An oracle that answers from a table, and counts tokens as a model would: an arm's prefix with the first example that
/// it is asked about.
#[derive(Debug)]
pub struct Replay<'a> {
    table: &'a LossTable,
    /// Whether the prefix of each arm has been read.
    read: Vec<bool>,
}

impl LossTable {
    /// An oracle that was not asked anything yet.
    pub fn replay(&self) -> Replay<'_> {
        Replay { table: self, read: vec![false; self.arms()] }
    }
}

impl LossOracle for Replay<'_> {
    fn arms(&self) -> usize {
        self.table.arms()
    }

    fn examples(&self) -> usize {
        self.table.examples()
    }

    fn length(&self, arm: usize) -> Option<usize> {
        self.table.lengths.as_ref().map(|lengths| lengths[arm])
    }

    fn observe(&mut self, arm: usize, examples: &[usize]) -> Result<Vec<Observation>, OracleError> {
        let losses = self.table.losses(arm);
        let one = |&example: &usize| {
            let forward_tokens = match &self.table.cost {
                Some(cost) => {
                    let prefix = if self.read[arm] { 0 } else { cost.prefix_tokens[arm] };
                    prefix + cost.own_tokens[arm][example]
                }
                None => 1,
            };
            self.read[arm] = true;
            Observation {
                nll_sum: losses[example],
                target_tokens: self.table.target_tokens[example],
                forward_tokens,
            }
        };
        Ok(examples.iter().map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::Cost;

    #[test]
    fn a_prefix_is_read_once_an_arm() {
        let table = LossTable::new(vec![1, 3], vec![vec![1.0, 2.0], vec![0.5, 4.5]]).unwrap();
        let cost = Cost { prefix_tokens: vec![10, 20], own_tokens: vec![vec![5, 6], vec![7, 8]] };
        let table = table.with_cost(cost).unwrap();
        let mut replay = table.replay();
        let mut tokens = |arm, examples: &[usize]| -> Vec<u64> {
            replay.observe(arm, examples).unwrap().iter().map(|seen| seen.forward_tokens).collect()
        };
        assert_eq!(tokens(0, &[1]), [16]);
        assert_eq!(tokens(0, &[0]), [5]);
        assert_eq!(tokens(1, &[0, 1]), [27, 8]);
    }
}
