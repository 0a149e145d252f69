//! Arms, observations, selection rules: which prompt variant is asked next, and which one wins.
//!
//! The problem: K arms (wordings), a finite population of examples, and paired observations (every arm can be asked
//! about the same example). Wanted is the arm of the lowest mean loss. A [`Selector`] asks a [`LossOracle`] and ends
//! with a [`Selection`]: the winner, the evidence for it, and what it cost. Nothing here knows a model. The
//! [`simulator`] replays recorded or made-up losses, so that rules are compared in seconds.

mod draws;
mod oracle;
mod paired;
mod parameters;
pub mod reselectors;
mod selection;
pub mod selectors;
pub mod simulator;

pub use oracle::{LossOracle, Observation, OracleError};
pub use parameters::{Fraction, Nats, OutOfRange, Weight};
pub use reselectors::{ProbeBudget, Reselector, ReselectorConfig};
pub use selection::{ArmEvidence, Interval, Promise, Selection};
pub use selectors::{Selector, SelectorConfig};
