//! GPT-NeoX and Pythia: LayerNorm, attention and feed-forward side by side, rotation of a part of each head.
//!
//! # Source
//! Black et al. 2022 (arXiv 2204.06745), Biderman et al. 2023 (arXiv 2304.01373); names as in transformers'
//! `GPTNeoXForCausalLM` checkpoints, whose head is `embed_out` in published files and `lm_head` in newer ones.

use serde::Deserialize;
use tch::Tensor;

use super::{check_positive, fields};
use crate::activation::Activation;
use crate::attention::{AttentionKind, Pass};
use crate::decoder::{Block, Decoder, Names, block_linears};
use crate::linear::Linear;
use crate::norm::Norm;
use crate::rope::RopeConfig;
use crate::{ModelConfig, Weights};

#[derive(Deserialize)]
struct GptNeoXConfig {
    hidden_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    intermediate_size: i64,
    hidden_act: String,
    #[serde(default = "super::layer_norm_epsilon")]
    layer_norm_eps: f64,
    /// The share of a head's dimensions that turn.
    #[serde(default)]
    rotary_pct: Option<f64>,
    #[serde(default)]
    rotary_emb_base: Option<f64>,
    #[serde(default = "super::yes")]
    use_parallel_residual: bool,
    #[serde(default = "super::yes")]
    attention_bias: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(flatten)]
    rope: RopeConfig,
}

const NAMES: Names = Names {
    token_embedding: "gpt_neox.embed_in",
    position_embedding: "",
    blocks: "gpt_neox.layers",
    norm: "gpt_neox.final_layer_norm",
    head: "embed_out",
};

#[derive(Debug)]
struct GptNeoXBlock {
    input_layernorm: Norm,
    query_key_value: Linear,
    dense: Linear,
    post_attention_layernorm: Norm,
    dense_h_to_4h: Linear,
    dense_4h_to_h: Linear,
    activation: Activation,
    attention: AttentionKind,
    parallel: bool,
}

pub(super) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
    let neox: GptNeoXConfig = fields(config)?;
    let (d, inner, heads) = (neox.hidden_size, neox.intermediate_size, neox.num_attention_heads);
    check_positive(&[
        ("hidden_size", d),
        ("intermediate_size", inner),
        ("num_attention_heads", heads),
        ("num_hidden_layers", neox.num_hidden_layers as i64),
    ])?;
    if d % heads != 0 {
        return Err(format!("hidden_size ({d}) must be a multiple of num_attention_heads ({heads})"));
    }
    let head_dim = d / heads;
    let share = neox.rope.partial_rotary_factor().or(neox.rotary_pct).unwrap_or(0.25);
    let theta = neox.rotary_emb_base.unwrap_or(10_000.0);
    let rope =
        neox.rope.rope((head_dim as f64 * share) as i64, theta, config.max_tokens, weights.device())?;
    let activation = Activation::named(&neox.hidden_act)?;
    let norm = |name: &str, weights: &mut Weights| weights.layer_norm(name, d, neox.layer_norm_eps);
    let block = |i: usize, weights: &mut Weights| {
        let at = |name: &str| format!("{}.{i}.{name}", NAMES.blocks);
        GptNeoXBlock {
            input_layernorm: norm(&at("input_layernorm"), weights),
            query_key_value: weights.linear(&at("attention.query_key_value"), 3 * d, d, neox.attention_bias),
            dense: weights.linear(&at("attention.dense"), d, d, neox.attention_bias),
            post_attention_layernorm: norm(&at("post_attention_layernorm"), weights),
            dense_h_to_4h: weights.linear(&at("mlp.dense_h_to_4h"), inner, d, true),
            dense_4h_to_h: weights.linear(&at("mlp.dense_4h_to_h"), d, inner, true),
            activation,
            attention: AttentionKind {
                heads,
                key_value_heads: heads,
                head_dim,
                scale: (head_dim as f64).powf(-0.5),
                window: None,
                soft_cap: None,
            },
            parallel: neox.use_parallel_residual,
        }
    };
    let head_name = if weights.has("lm_head.weight") { "lm_head" } else { NAMES.head };
    Ok(Decoder {
        names: Names { head: head_name, ..NAMES },
        blocks: (0..neox.num_hidden_layers).map(|i| Box::new(block(i, weights)) as Box<dyn Block>).collect(),
        token_embedding: weights.take("gpt_neox.embed_in.weight", &[config.vocab_size, d]),
        norm: norm(NAMES.norm, weights),
        head: (!neox.tie_word_embeddings)
            .then(|| weights.take(&format!("{head_name}.weight"), &[config.vocab_size, d])),
        position_embedding: None,
        embedding_scale: None,
        rope: Some(rope),
        logit_soft_cap: None,
    })
}

impl Block for GptNeoXBlock {
    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let attended = self.attend(&self.input_layernorm.forward(x), pass);
        let x = pass.asked_rows(x);
        if self.parallel {
            return &x + attended + self.feed_forward(&x, pass.train);
        }
        let x = x + attended;
        &x + self.feed_forward(&x, pass.train)
    }

    fn norms(&self) -> Vec<(&'static str, &Norm)> {
        vec![
            ("input_layernorm", &self.input_layernorm),
            ("post_attention_layernorm", &self.post_attention_layernorm),
        ]
    }

    block_linears! {
        "attention.query_key_value" => query_key_value,
        "attention.dense" => dense,
        "mlp.dense_h_to_4h" => dense_h_to_4h,
        "mlp.dense_4h_to_h" => dense_4h_to_h,
    }
}

impl GptNeoXBlock {
    /// `[N, D]` to the asked rows `[M, D]`.
    fn attend(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let AttentionKind { heads, head_dim, .. } = self.attention;
        let joint = self.query_key_value.forward(x, pass.train).view([-1, heads, 3 * head_dim]);
        let part = |i: i64| joint.narrow(2, i * head_dim, head_dim);
        let q = pass.asked_rows(&part(0).reshape([-1, heads * head_dim])).view([-1, heads, head_dim]);
        let attended =
            pass.attend(&pass.rotate_queries(&q), &pass.rotate_keys(&part(1)), &part(2), &self.attention);
        self.dense.forward(&attended, pass.train)
    }

    /// Feed-forward of the normed rows.
    fn feed_forward(&self, x: &Tensor, train: bool) -> Tensor {
        let inner = self.dense_h_to_4h.forward(&self.post_attention_layernorm.forward(x), train);
        self.dense_4h_to_h.forward(&self.activation.forward(&inner), train)
    }
}
