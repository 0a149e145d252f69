//! What a prompt costs the model as it is now: the pre-update loss and its rivals, one file a probe.

mod pre_update_loss;
mod reduction;
mod score_store;
mod scorer;

pub use pre_update_loss::PreUpdateLoss;
pub use reduction::Reduction;
pub use score_store::StoreError;
pub use scorer::{Scored, Scorer};
