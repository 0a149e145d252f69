//! Qwen 3: Llama's block with RMSNorm on every query and key head, and heads as wide as the configuration says.
//!
//! # Source
//! Yang et al. 2025 (arXiv 2505.09388); names as in transformers' `Qwen3ForCausalLM` checkpoints.

use super::fields;
use super::qwen2::QwenConfig;
use super::rotary::Biases;
use crate::decoder::Decoder;
use crate::{ModelConfig, Weights};

pub(super) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
    let qwen: QwenConfig = fields(config)?;
    let bias = qwen.attention_bias;
    let biases = Biases { query_key_value: bias, attention_output: bias, ..Biases::default() };
    qwen.decoder(qwen.head_dim.unwrap_or(128), biases, true)?.load(config, weights)
}
