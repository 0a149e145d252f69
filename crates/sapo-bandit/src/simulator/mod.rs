//! Plays rules on tables of losses, recorded or made up, so that they are compared in seconds without a model.

mod performance;
mod replay;
mod synthetic;
mod table;

pub use performance::{Performance, Trial, play};
pub use replay::Replay;
pub use synthetic::{Synthetic, Tail};
pub use table::{Cost, LossTable, TableError};
