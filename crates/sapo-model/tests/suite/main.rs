//! The model core against PyTorch, transformers and PEFT, and against what must hold for any model.
//!
//! The expected values are in `tests/fixtures`, beside the scripts that made them. One test binary, because each one
//! links libtorch. No expected value depends on libtorch's process-wide random state: tests run in threads.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adapter_stacks;
mod adapters;
mod broken_directories;
mod dropout;
mod dtypes;
mod fixtures;
mod generation;
mod hub;
mod invariance;
mod model_directories;
mod model_state;
mod new_tokenizer;
mod parity;
mod sampling;
mod shared_prefix;
mod stand_in;
mod text;
mod token_stats;
mod trained_models;
