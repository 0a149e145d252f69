//! What a prompt costs the model as it is now: the pre-update loss and its rivals, one file a probe.

mod pre_update_loss;

pub use pre_update_loss::PreUpdateLoss;
