//! Llama 2 and 3: RMSNorm, rotary positions (scaled from 3.1 on), grouped-query attention, SwiGLU. SmolLM and many
//! others are of this architecture too.
//!
//! # Source
//! Touvron et al. 2023 (arXiv 2302.13971, 2307.09288), Grattafiori et al. 2024 (arXiv 2407.21783); names as in
//! transformers' `LlamaForCausalLM` checkpoints.

use serde::{Deserialize, Serialize};

use super::fields;
use super::rotary::{Biases, RotaryDecoder};
use crate::decoder::Decoder;
use crate::rope::RopeConfig;
use crate::{ModelConfig, Weights};

/// `config.json` of a Llama checkpoint, with the names of the Hugging Face file: what a new model is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LlamaConfig {
    /// `["LlamaForCausalLM"]`.
    pub architectures: Vec<String>,
    /// `"llama"`.
    pub model_type: String,
    /// Rows of the embedding.
    pub vocab_size: i64,
    /// Width D of the residual stream.
    pub hidden_size: i64,
    /// Width of the SwiGLU layer.
    pub intermediate_size: i64,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: i64,
    /// Key and value heads (grouped-query attention); all query heads where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_key_value_heads: Option<i64>,
    /// Width of a head; `hidden_size / num_attention_heads` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<i64>,
    /// Longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Epsilon of RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary embedding.
    #[serde(default = "default_rope_theta")]
    pub rope_theta: f64,
    /// Present and not null: a scaled rotary embedding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<serde_json::Value>,
    /// Where newer files keep `rope_theta` and the scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_parameters: Option<serde_json::Value>,
    /// `"silu"`.
    pub hidden_act: String,
    /// Whether the output head is the embedding.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Bias in the attention projections.
    #[serde(default)]
    pub attention_bias: bool,
    /// Bias in the feed-forward projections.
    #[serde(default)]
    pub mlp_bias: bool,
    /// Id of the token that starts a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos_token_id: Option<serde_json::Value>,
    /// Id, or list of ids, of the tokens that end an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos_token_id: Option<serde_json::Value>,
    /// Dtype on disk.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "dtype")]
    pub torch_dtype: Option<String>,
    /// Standard deviation of the initial weights.
    #[serde(default = "default_initializer_range")]
    pub initializer_range: f64,
}

fn default_rope_theta() -> f64 {
    10_000.0
}

fn default_initializer_range() -> f64 {
    0.02
}

pub(super) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
    let llama: LlamaConfig = fields(config)?;
    let rope: RopeConfig = fields(config)?;
    RotaryDecoder {
        hidden_size: llama.hidden_size,
        intermediate_size: llama.intermediate_size,
        layers: llama.num_hidden_layers,
        heads: llama.num_attention_heads,
        key_value_heads: llama.num_key_value_heads.unwrap_or(llama.num_attention_heads),
        head_dim: llama.head_dim.unwrap_or(llama.hidden_size / llama.num_attention_heads.max(1)),
        rms_norm_eps: llama.rms_norm_eps,
        rope: &rope,
        default_theta: llama.rope_theta,
        activation: &llama.hidden_act,
        tied_head: llama.tie_word_embeddings,
        biases: Biases {
            query_key_value: llama.attention_bias,
            attention_output: llama.attention_bias,
            feed_forward: llama.mlp_bias,
        },
        query_key_norm: false,
        windows: Vec::new(),
        gemma: None,
    }
    .load(config, weights)
}
