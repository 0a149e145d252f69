//! Gemma 2: norms before and after each part, windows in every other layer, soft caps on scores and logits.
//!
//! # Source
//! Gemma Team 2024 (arXiv 2408.00118); names as in transformers' `Gemma2ForCausalLM` checkpoints.

use serde::Deserialize;

use super::rotary::{Biases, Gemma, RotaryDecoder};
use super::{fields, windows};
use crate::decoder::Decoder;
use crate::rope::RopeConfig;
use crate::{ModelConfig, Weights};

#[derive(Deserialize)]
struct Gemma2Config {
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    num_key_value_heads: i64,
    head_dim: i64,
    rms_norm_eps: f64,
    hidden_activation: String,
    query_pre_attn_scalar: f64,
    #[serde(default)]
    attn_logit_softcapping: Option<f64>,
    #[serde(default)]
    final_logit_softcapping: Option<f64>,
    #[serde(default)]
    sliding_window: Option<i64>,
    #[serde(default)]
    layer_types: Option<Vec<String>>,
    #[serde(default)]
    use_bidirectional_attention: Option<bool>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default = "super::yes")]
    tie_word_embeddings: bool,
    #[serde(flatten)]
    rope: RopeConfig,
}

pub(super) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
    let gemma: Gemma2Config = fields(config)?;
    if gemma.use_bidirectional_attention == Some(true) {
        return Err("use_bidirectional_attention is not supported: this is a causal decoder".to_string());
    }
    let (layers, types) = (gemma.num_hidden_layers, gemma.layer_types.as_ref());
    let windows = windows(layers, gemma.sliding_window, types, |layer| layer % 2 == 0)?;
    RotaryDecoder {
        hidden_size: gemma.hidden_size,
        intermediate_size: gemma.intermediate_size,
        layers: gemma.num_hidden_layers,
        heads: gemma.num_attention_heads,
        key_value_heads: gemma.num_key_value_heads,
        head_dim: gemma.head_dim,
        rms_norm_eps: gemma.rms_norm_eps,
        rope: &gemma.rope,
        default_theta: 10_000.0,
        activation: &gemma.hidden_activation,
        tied_head: gemma.tie_word_embeddings,
        biases: Biases {
            query_key_value: gemma.attention_bias,
            attention_output: gemma.attention_bias,
            feed_forward: false,
        },
        query_key_norm: false,
        windows,
        gemma: Some(Gemma {
            query_scale: gemma.query_pre_attn_scalar.powf(-0.5),
            attention_soft_cap: gemma.attn_logit_softcapping,
            logit_soft_cap: gemma.final_logit_softcapping,
        }),
    }
    .load(config, weights)
}
