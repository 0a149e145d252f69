//! Arms, observations, selection rules: which prompt variant is asked next, and which one wins.
//!
//! The problem: K arms (wordings), a finite population of examples, and paired observations (every arm can be asked about
//! the same example). Wanted is the arm of the lowest mean loss. A [`Selector`] asks a [`LossOracle`] and ends with a
//! [`Selection`]: the winner, the evidence for it, and what it cost. Nothing here knows a model.

mod oracle;
mod selection;
pub mod selectors;

pub use oracle::{LossOracle, Observation, OracleError};
pub use selection::{ArmEvidence, Selection};
pub use selectors::{Selector, SelectorConfig};
