//! Qwen 2 and 2.5: Llama's block with biases on queries, keys and values.
//!
//! # Source
//! Yang et al. 2024 (arXiv 2407.10671, 2412.15115); names as in transformers' `Qwen2ForCausalLM` checkpoints.

use serde::Deserialize;

use super::rotary::{Biases, RotaryDecoder};
use super::{fields, windows};
use crate::decoder::Decoder;
use crate::rope::RopeConfig;
use crate::{ModelConfig, Weights};

/// What the configurations of Qwen 2 and 3 have in common.
#[derive(Deserialize)]
pub(super) struct QwenConfig {
    pub(super) hidden_size: i64,
    pub(super) intermediate_size: i64,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: i64,
    pub(super) num_key_value_heads: Option<i64>,
    pub(super) head_dim: Option<i64>,
    pub(super) rms_norm_eps: f64,
    pub(super) hidden_act: String,
    #[serde(default)]
    pub(super) attention_bias: bool,
    #[serde(default)]
    pub(super) tie_word_embeddings: bool,
    #[serde(flatten)]
    pub(super) rope: RopeConfig,
    #[serde(default)]
    use_sliding_window: bool,
    #[serde(default)]
    sliding_window: Option<i64>,
    /// The first layer with a window, where `layer_types` is absent.
    #[serde(default = "default_max_window_layers")]
    max_window_layers: usize,
    #[serde(default)]
    layer_types: Option<Vec<String>>,
}

fn default_max_window_layers() -> usize {
    28
}

impl QwenConfig {
    /// A decoder of this configuration.
    ///
    /// # Errors
    /// When `layer_types` does not fit.
    pub(super) fn decoder(
        &self,
        head_dim: i64,
        biases: Biases,
        query_key_norm: bool,
    ) -> Result<RotaryDecoder<'_>, String> {
        let window = self.sliding_window.filter(|_| self.use_sliding_window);
        let slides = |layer: usize| layer >= self.max_window_layers;
        Ok(RotaryDecoder {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            rms_norm_eps: self.rms_norm_eps,
            rope: &self.rope,
            default_theta: 10_000.0,
            activation: &self.hidden_act,
            tied_head: self.tie_word_embeddings,
            biases,
            query_key_norm,
            windows: windows(self.num_hidden_layers, window, self.layer_types.as_ref(), slides)?,
            gemma: None,
        })
    }
}

pub(super) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
    let qwen: QwenConfig = fields(config)?;
    let head_dim = qwen.head_dim.unwrap_or(qwen.hidden_size / qwen.num_attention_heads.max(1));
    let biases = Biases { query_key_value: true, ..Biases::default() };
    qwen.decoder(head_dim, biases, false)?.load(config, weights)
}
