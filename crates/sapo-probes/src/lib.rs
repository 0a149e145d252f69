//! What a prompt costs the model as it is now: the pre-update loss and its rivals, one file a probe.
//!
//! A [`Probe`] measures one number for a state of the model, a task, a wording and examples, which a [`ProbeContext`]
//! holds; [`ProbeConfig`] is the registry by which configurations and tables name probes. [`Scorer`] answers
//! selectors, which ask about single examples; [`Interference`] answers them about earlier tasks.
//!
//! [`outcomes`] are no probes: they compare two states, before and after a training, and predict nothing.

mod context;
mod encode;
mod error;
pub mod gradients;
mod measurement;
pub mod outcomes;
mod pre_update_loss;
mod probe;
pub mod probes;
pub mod readability;
mod reduction;
mod score_store;
mod scorer;

pub use context::{ProbeContext, Setting};
pub use error::ProbeError;
pub use gradients::{FirstStep, FreshLora, Interference, Kept, Update};
pub use measurement::{Measurement, Tokens};
pub use pre_update_loss::PreUpdateLoss;
pub use probe::{Cost, Direction, Probe, ProbeAbout};
pub use probes::ProbeConfig;
pub use reduction::Reduction;
pub use score_store::StoreError;
pub use scorer::{Scored, Scorer};
