//! Grids of cells, the run store, tables, plots, reports and notebooks; it is given what to run and knows no torch.
//!
//! An experiment implements [`Study`] and calls [`drive`]. `drive` reads the command line, asks the study for its grid of
//! cells, computes the cells that the store lacks (an engine starts a worker process for each), and hands the stored runs
//! to the study's report.
//!
//! ```text
//! args -> Study::cells -> engine -> worker -> Study::run_cell -> store -> Study::report -> tables, plots
//! ```

pub mod args;
pub mod cell;
mod compute;
mod download;
mod drive;
pub mod duration;
pub mod engine;
mod estimate;
mod events;
pub mod experiment;
mod flat;
pub mod interrupt;
mod listing;
pub mod lock;
pub mod loss_tables;
pub mod manifest;
mod neighbours;
pub mod notebook;
mod parquet;
mod plan;
pub mod plots;
pub mod progress;
pub mod provenance;
pub mod record;
pub mod report;
pub mod runs;
pub mod store;
pub mod study;
pub mod tables;
pub mod tensorboard;
pub mod told;
mod user_cache;
mod versioned;
pub mod worker;

pub use args::ExperimentArgs;
pub use cell::{CellId, CellSpec};
pub use download::DownloadDisplay;
pub use drive::drive;
pub use parquet::ParquetError;
pub use record::RunRecord;
pub use store::{Store, StoredRun};
pub use study::{ReportContext, Study};
pub use told::{Told, TrainingNow};
pub use user_cache::user_cache;
pub use worker::{CellContext, Computed, compute_cell};
