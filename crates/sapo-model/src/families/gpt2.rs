//! GPT-2: LayerNorm, learned positions, one projection for queries, keys and values, weights held `[in, out]`.
//!
//! # Source
//! Radford et al. 2019; names as in transformers' `GPT2LMHeadModel` checkpoints. The published files leave out the
//! `transformer.` in front of every name; both are read.

use serde::Deserialize;
use tch::Tensor;

use super::{check_positive, fields};
use crate::activation::Activation;
use crate::attention::{AttentionKind, Pass};
use crate::decoder::{Block, Decoder, Names, block_linears};
use crate::linear::Linear;
use crate::norm::Norm;
use crate::{ModelConfig, Weights};

#[derive(Deserialize)]
struct Gpt2Config {
    n_embd: i64,
    n_layer: usize,
    n_head: i64,
    n_positions: i64,
    #[serde(default)]
    n_inner: Option<i64>,
    #[serde(default = "gelu_new")]
    activation_function: String,
    #[serde(default = "super::layer_norm_epsilon")]
    layer_norm_epsilon: f64,
    #[serde(default = "super::yes")]
    scale_attn_weights: bool,
    #[serde(default)]
    scale_attn_by_inverse_layer_idx: bool,
    #[serde(default)]
    add_cross_attention: bool,
    #[serde(default = "super::yes")]
    tie_word_embeddings: bool,
}

fn gelu_new() -> String {
    "gelu_new".to_string()
}

const PREFIX: &str = "transformer.";
const NAMES: Names = Names {
    token_embedding: "transformer.wte",
    position_embedding: "transformer.wpe",
    blocks: "transformer.h",
    norm: "transformer.ln_f",
    head: "lm_head",
};

#[derive(Debug)]
struct Gpt2Block {
    ln_1: Norm,
    c_attn: Linear,
    attn_c_proj: Linear,
    ln_2: Norm,
    c_fc: Linear,
    mlp_c_proj: Linear,
    activation: Activation,
    attention: AttentionKind,
}

pub(super) fn load(config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
    let gpt2: Gpt2Config = fields(config)?;
    let Gpt2Config { n_embd: d, n_layer, n_head, n_positions, .. } = gpt2;
    let inner = gpt2.n_inner.unwrap_or(4 * d);
    let counts = [("n_embd", d), ("n_head", n_head), ("n_inner", inner), ("n_layer", n_layer as i64)];
    check_positive(&counts)?;
    if d % n_head != 0 {
        return Err(format!("n_embd ({d}) must be a multiple of n_head ({n_head})"));
    }
    if gpt2.add_cross_attention {
        return Err("add_cross_attention is not supported: this is a decoder alone".to_string());
    }
    let activation = Activation::named(&gpt2.activation_function)?;
    weights.allow_without_prefix(PREFIX);
    let norm = |name: &str, weights: &mut Weights| weights.layer_norm(name, d, gpt2.layer_norm_epsilon);
    let block = |i: usize, weights: &mut Weights| {
        let at = |name: &str| format!("{}.{i}.{name}", NAMES.blocks);
        let head_dim = d / n_head;
        let scale = if gpt2.scale_attn_weights { (head_dim as f64).powf(-0.5) } else { 1.0 };
        let depth = if gpt2.scale_attn_by_inverse_layer_idx { (i + 1) as f64 } else { 1.0 };
        Gpt2Block {
            ln_1: norm(&at("ln_1"), weights),
            c_attn: weights.conv1d(&at("attn.c_attn"), 3 * d, d),
            attn_c_proj: weights.conv1d(&at("attn.c_proj"), d, d),
            ln_2: norm(&at("ln_2"), weights),
            c_fc: weights.conv1d(&at("mlp.c_fc"), inner, d),
            mlp_c_proj: weights.conv1d(&at("mlp.c_proj"), d, inner),
            activation,
            attention: AttentionKind {
                heads: n_head,
                key_value_heads: n_head,
                head_dim,
                scale: scale / depth,
                window: None,
                soft_cap: None,
            },
        }
    };
    Ok(Decoder {
        names: NAMES,
        blocks: (0..n_layer).map(|i| Box::new(block(i, weights)) as Box<dyn Block>).collect(),
        token_embedding: weights.take("transformer.wte.weight", &[config.vocab_size, d]),
        position_embedding: Some(weights.take("transformer.wpe.weight", &[n_positions, d])),
        norm: norm(NAMES.norm, weights),
        head: (!gpt2.tie_word_embeddings).then(|| weights.take("lm_head.weight", &[config.vocab_size, d])),
        embedding_scale: None,
        rope: None,
        logit_soft_cap: None,
    })
}

impl Block for Gpt2Block {
    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let attended = self.attend(&self.ln_1.forward(x), pass);
        let x = pass.asked_rows(x) + attended;
        let inner = self.activation.forward(&self.c_fc.forward(&self.ln_2.forward(&x), pass.train));
        x + self.mlp_c_proj.forward(&inner, pass.train)
    }

    fn norms(&self) -> Vec<(&'static str, &Norm)> {
        vec![("ln_1", &self.ln_1), ("ln_2", &self.ln_2)]
    }

    block_linears! {
        "attn.c_attn" => c_attn,
        "attn.c_proj" => attn_c_proj,
        "mlp.c_fc" => c_fc,
        "mlp.c_proj" => mlp_c_proj,
    }
}

impl Gpt2Block {
    /// `[N, D]` to the asked rows `[M, D]`.
    fn attend(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let AttentionKind { heads, head_dim, .. } = self.attention;
        let joint = self.c_attn.forward(x, pass.train); // [N, 3 D]: queries, keys, values
        let part = |i: i64| joint.narrow(1, i * heads * head_dim, heads * head_dim);
        let split = |x: Tensor| x.reshape([-1, heads, head_dim]);
        let q = split(pass.asked_rows(&part(0)));
        let attended = pass.attend(&q, &split(part(1)), &split(part(2)), &self.attention);
        self.attn_c_proj.forward(&attended, pass.train)
    }
}
