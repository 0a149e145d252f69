//! Gradients of the task loss, and what they say about earlier tasks.
//!
//! A gradient is taken in the state in which the training of the next task begins: a fresh LoRA on the frozen model, A
//! drawn by the seed, B zero, no dropout. There the gradient of A is exactly zero (it is a product with B), so B alone
//! has one: every gradient of this module is a map from module names to `[out, r]`, the LoRA-B matrices that the paper's
//! section 5 compares. With the configuration and the seed of the training that follows, it is the very gradient whose
//! batches that training draws.
//!
//! The adapter is on the model during a call only ([`sapo_model::LanguageModel::with_trial_lora`]), and the weights are
//! never written to: the model computes the same bits before and after. While another adapter is attached, no gradient
//! can be taken: fold that first.

mod earlier;
mod fisher;
mod interference;
mod lora_gradient;

pub use earlier::{EarlierTasks, Kept};
pub use fisher::Fisher;
pub use interference::{FirstStep, Interference, Update};
pub use lora_gradient::{Alignment, FreshLora, LoraGradient, task_gradient};
