//! The language model on libtorch: tokenizer, decoders, LoRA, checkpoints, masked loss, generation.
//!
//! [`LanguageModel`] opens an ordinary Hugging Face directory and joins the parts: a decoder (one file a family under
//! [`families`]), a [`TextCodec`] (tokenizer and text format) and, while training, a [`Lora`] adapter. Everything above
//! this crate hands it text or token ids and gets numbers and text back.
//!
//! Deliberately absent: optimiser and schedule (they belong to `sapo-learn`), and pickled checkpoints.

mod activation;
mod attention;
mod backward;
mod batch;
mod codec;
mod config;
mod decoder;
mod distillation;
mod error;
pub mod families;
mod file_hashes;
mod generate;
mod hash;
mod hub;
mod language_model;
mod linear;
mod lora;
mod loss;
mod memory;
pub mod native;
mod new_tokenizer;
mod norm;
mod prefix;
mod rope;
pub mod runtime;
mod sampling;
mod state;
mod token_stats;
mod weights;

pub use batch::{Batch, token_budget_batches};
pub use codec::{Encoded, TextCodec, TextFormat};
pub use config::{ModelConfig, dtype_name};
pub use decoder::{Decoder, Sequences};
pub use error::ModelError;
pub use families::LlamaConfig;
pub use file_hashes::FileHashes;
pub use generate::{Decoding, Generation};
pub use hash::directory_sha256;
pub use hub::{DownloadProgress, Hub, HubError, model_name};
pub use language_model::LanguageModel;
pub use lora::{Lora, LoraConfig, TargetModules};
pub use loss::{ExampleLoss, TargetNll};
pub use memory::catch_out_of_memory;
pub use new_tokenizer::train_tokenizer;
pub use prefix::{KeptPrefix, SharedPrefix, TextGroup};
pub use sampling::{Sampling, SamplingError};
pub use state::ModelState;
pub use tch::{Device, Kind};
pub use token_stats::TokenStats;
pub use weights::{Weights, save_safetensors};
