//! The training loop, continual-learning methods, and SAPO around any of them.
//!
//! The paper's algorithm is [`sapo::run_stream`]: for each task choose a wording, train on it, evaluate everything. What
//! chooses is a selector of `sapo-bandit`; how training avoids forgetting is a [`methods::Method`].
//! [`triple::run_triple`] is the protocol of the paper's first experiments, which choose nothing.

mod candidates;
mod checkpoints;
mod course;
mod interference;
mod loss_term;
pub mod methods;
mod model_writer;
mod optimizer;
mod precision;
pub mod pretrain;
mod progress;
mod recorder;
mod reselection;
pub mod runs;
pub mod sapo;
mod schedule;
mod sealed;
mod seeds;
mod selection;
mod texts;
mod trainer;
pub mod triple;
mod wordings;

mod error;

pub use candidates::Candidates;
pub use checkpoints::Checkpoints;
pub use error::LearnError;
pub use interference::InterferenceConfig;
pub use loss_term::{LossTerm, NoTerm};
pub use model_writer::ModelWriter;
pub use optimizer::{AdamW, AdamWConfig, clip_gradient_norm};
pub use precision::Precision;
pub use progress::{Progress, Workplace};
pub use reselection::{ProbeCost, Reselecting, ReselectionConfig, most_used};
pub use schedule::Schedule;
pub use seeds::derive_seed;
pub use selection::{Choice, SelectionConfig, Under, choose, observation};
pub use texts::{FixedTexts, Joined, TextBatch, TrainingTexts};
pub use trainer::{TrainConfig, TrainOutcome, Training, train};
