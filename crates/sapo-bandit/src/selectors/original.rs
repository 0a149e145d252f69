use super::Selector;
use crate::{LossOracle, OracleError, Selection};

/// Arm 0, the original instruction, without asking.
#[derive(Debug, Clone, Copy)]
pub struct Original;

impl Selector for Original {
    fn select(&self, oracle: &mut dyn LossOracle, _seed: u64) -> Result<Selection, OracleError> {
        if oracle.arms() == 0 {
            return Err("there are no arms to choose from".into());
        }
        Ok(Selection::unasked(0, oracle.arms()))
    }
}
