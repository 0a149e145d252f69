//! One file a rule; a new rule is one file and one line in [`SelectorConfig`].

mod exhaustive;
mod original;
mod random;

pub use exhaustive::{Exhaustive, Objective};
pub use original::Original;
pub use random::Random;

use serde::{Deserialize, Serialize};

use crate::{LossOracle, OracleError, Selection};

/// A rule that chooses one arm.
pub trait Selector {
    /// Chooses; every random draw comes from `seed`.
    ///
    /// # Errors
    /// Passes on what kept the oracle from answering, and refuses an oracle without arms or a loss that is not a number.
    fn select(&self, oracle: &mut dyn LossOracle, seed: u64) -> Result<Selection, OracleError>;
}

/// A rule by its name, with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SelectorConfig {
    /// Every arm on every example; the lowest mean wins (the paper).
    Exhaustive,
    /// Every arm on every example; the highest mean wins (the paper's control, SAPP).
    Worst,
    /// The original instruction, arm 0; nothing is asked.
    Original,
    /// An arm drawn by the seed; nothing is asked.
    Random,
}

impl SelectorConfig {
    /// The rule itself.
    pub fn build(self) -> Box<dyn Selector> {
        match self {
            Self::Exhaustive => Box::new(Exhaustive(Objective::Lowest)),
            Self::Worst => Box::new(Exhaustive(Objective::Highest)),
            Self::Original => Box::new(Original),
            Self::Random => Box::new(Random),
        }
    }
}
