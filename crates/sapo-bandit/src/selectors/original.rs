use super::Selector;
use crate::{ArmEvidence, LossOracle, OracleError, Selection};

/// Arm 0, the original instruction, without asking.
#[derive(Debug, Clone, Copy)]
pub struct Original;

impl Selector for Original {
    fn select(&self, oracle: &mut dyn LossOracle, _seed: u64) -> Result<Selection, OracleError> {
        if oracle.arms() == 0 {
            return Err("there are no arms to choose from".into());
        }
        Ok(Selection { winner: 0, arms: vec![ArmEvidence::UNASKED; oracle.arms()], forward_tokens: 0 })
    }
}
