//! What a training has done to a model: outcomes that probes are to predict, never predictors themselves.
//!
//! Both compare a snapshot taken before with one taken after. Neither has a better direction: less drift forgets less,
//! and learns less.

mod hidden_drift;
mod weight_drift;

pub use hidden_drift::{HiddenDrift, HiddenSnapshot};
pub use weight_drift::{WeightDrift, WeightSnapshot};

/// Why two states could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// The model failed; indices count within the texts that were given.
    #[error(transparent)]
    Model(#[from] sapo_model::ModelError),
    /// The weights do not say what the model computes.
    #[error(
        "an adapter is attached to the model: fold it first, so that the weights are those it computes with"
    )]
    AdapterAttached,
    /// The two snapshots are not of the same things.
    #[error("the snapshots are not of the same {what}: expected {expected}, got {got}")]
    Different {
        /// `weights` or `texts`.
        what: &'static str,
        /// What the first holds.
        expected: String,
        /// What the second holds.
        got: String,
    },
    /// A drift relative to nothing.
    #[error("{what} is zero in the first snapshot, so no change is relative to it")]
    Zero {
        /// Name of the weight, or place of the token.
        what: String,
    },
}
