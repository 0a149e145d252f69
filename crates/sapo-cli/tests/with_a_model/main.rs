//! Commands that ask a model, one module a command, in one program: linking it takes longer than most of its tests.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod eval;
mod fixtures;
mod generate;
mod loss;
mod merge;
mod model_by_name;
mod paraphrase;
mod refusals;
mod resume;
mod select;
mod too_long;
mod train;
