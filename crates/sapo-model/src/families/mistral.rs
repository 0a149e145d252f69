//! Mistral: Llama's block with a sliding window of attention.
//!
//! # Source
//! Jiang et al. 2023 (arXiv 2310.06825); names as in transformers' `MistralForCausalLM` checkpoints.

use serde::Deserialize;

use super::fields;
use super::rotary::{Biases, RotaryDecoder};
use crate::decoder::Decoder;
use crate::rope::RopeConfig;
use crate::{ModelConfig, Weights};

#[derive(Deserialize)]
struct MistralConfig {
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    num_key_value_heads: Option<i64>,
    head_dim: Option<i64>,
    rms_norm_eps: f64,
    hidden_act: String,
    #[serde(default)]
    sliding_window: Option<i64>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(flatten)]
    rope: RopeConfig,
}

pub(super) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
    let mistral: MistralConfig = fields(config)?;
    RotaryDecoder {
        hidden_size: mistral.hidden_size,
        intermediate_size: mistral.intermediate_size,
        layers: mistral.num_hidden_layers,
        heads: mistral.num_attention_heads,
        key_value_heads: mistral.num_key_value_heads.unwrap_or(mistral.num_attention_heads),
        head_dim: mistral.head_dim.unwrap_or(mistral.hidden_size / mistral.num_attention_heads.max(1)),
        rms_norm_eps: mistral.rms_norm_eps,
        rope: &mistral.rope,
        default_theta: 10_000.0,
        activation: &mistral.hidden_act,
        tied_head: mistral.tie_word_embeddings,
        biases: Biases::default(),
        query_key_norm: false,
        windows: vec![mistral.sliding_window; mistral.num_hidden_layers],
        gemma: None,
    }
    .load(config, weights)
}
