//! The block that most families of today share: RMSNorm, rotary positions, grouped-query attention, gated feed-forward.
//! The files of those families say how they differ.

use tch::Tensor;

use super::check_positive;
use crate::activation::Activation;
use crate::attention::{AttentionKind, Pass};
use crate::decoder::{Block, Decoder, Names, block_linears};
use crate::linear::Linear;
use crate::norm::Norm;
use crate::rope::RopeConfig;
use crate::{ModelConfig, Weights};

/// Widths and variants of a decoder of such blocks.
pub(super) struct RotaryDecoder<'a> {
    pub(super) hidden_size: i64,
    pub(super) intermediate_size: i64,
    pub(super) layers: usize,
    pub(super) heads: i64,
    pub(super) key_value_heads: i64,
    pub(super) head_dim: i64,
    pub(super) rms_norm_eps: f64,
    pub(super) rope: &'a RopeConfig,
    pub(super) default_theta: f64,
    pub(super) activation: &'a str,
    pub(super) tied_head: bool,
    pub(super) biases: Biases,
    /// RMSNorm of every query and key head before the rotation.
    pub(super) query_key_norm: bool,
    /// How many tokens each layer reads; all of them where the list ends.
    pub(super) windows: Vec<Option<i64>>,
    pub(super) gemma: Option<Gemma>,
}

/// Which projections add a bias.
#[derive(Default)]
pub(super) struct Biases {
    pub(super) query_key_value: bool,
    pub(super) attention_output: bool,
    pub(super) feed_forward: bool,
}

/// What Gemma 2 adds: norms after attention and feed-forward too, norm weights counted from 1, scaled embeddings, caps.
pub(super) struct Gemma {
    pub(super) query_scale: f64,
    pub(super) attention_soft_cap: Option<f64>,
    pub(super) logit_soft_cap: Option<f64>,
}

const NAMES: Names = Names {
    token_embedding: "model.embed_tokens",
    position_embedding: "",
    blocks: "model.layers",
    norm: "model.norm",
    head: "lm_head",
};

#[derive(Debug)]
struct RotaryBlock {
    input_layernorm: Norm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    query_key_norm: Option<(Norm, Norm)>,
    /// Before the feed-forward layer.
    feed_forward_norm: Norm,
    /// After attention and after the feed-forward layer (Gemma 2).
    output_norms: Option<(Norm, Norm)>,
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    activation: Activation,
    attention: AttentionKind,
}

impl RotaryDecoder<'_> {
    fn check(&self) -> Result<(), String> {
        check_positive(&[
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.layers as i64),
            ("num_attention_heads", self.heads),
            ("num_key_value_heads", self.key_value_heads),
            ("head_dim", self.head_dim),
        ])?;
        if self.head_dim % 2 != 0 {
            return Err(format!("head_dim must be even, got {}", self.head_dim));
        }
        if self.heads % self.key_value_heads != 0 {
            return Err(format!(
                "num_attention_heads ({}) must be a multiple of num_key_value_heads ({})",
                self.heads, self.key_value_heads
            ));
        }
        Ok(())
    }

    pub(super) fn load(&self, config: &ModelConfig, weights: &mut Weights) -> Result<Decoder, String> {
        self.check()?;
        let rope = self.rope.rope(self.head_dim, self.default_theta, config.max_tokens, weights.device())?;
        let activation = Activation::named(self.activation)?;
        let blocks = (0..self.layers)
            .map(|i| Box::new(self.block(i, activation, weights)) as Box<dyn Block>)
            .collect();
        let vocabulary = [config.vocab_size, self.hidden_size];
        Ok(Decoder {
            names: NAMES,
            blocks,
            token_embedding: weights.take("model.embed_tokens.weight", &vocabulary),
            norm: self.norm(NAMES.norm, self.hidden_size, weights),
            head: (!self.tied_head).then(|| weights.take("lm_head.weight", &vocabulary)),
            position_embedding: None,
            embedding_scale: self.gemma.as_ref().map(|_| (self.hidden_size as f64).sqrt()),
            rope: Some(rope),
            logit_soft_cap: self.gemma.as_ref().and_then(|gemma| gemma.logit_soft_cap),
        })
    }

    fn norm(&self, name: &str, width: i64, weights: &mut Weights) -> Norm {
        let offset = if self.gemma.is_some() { 1.0 } else { 0.0 };
        weights.rms_norm(name, width, self.rms_norm_eps, offset)
    }

    fn block(&self, i: usize, activation: Activation, weights: &mut Weights) -> RotaryBlock {
        let (d, inner) = (self.hidden_size, self.intermediate_size);
        let (queries, keys) = (self.heads * self.head_dim, self.key_value_heads * self.head_dim);
        let at = |name: &str| format!("{}.{i}.{name}", NAMES.blocks);
        let mut linear = |name, out, inp, bias| weights.linear(&at(name), out, inp, bias);
        let Biases { query_key_value, attention_output, feed_forward } = self.biases;
        let q_proj = linear("self_attn.q_proj", queries, d, query_key_value);
        let k_proj = linear("self_attn.k_proj", keys, d, query_key_value);
        let v_proj = linear("self_attn.v_proj", keys, d, query_key_value);
        let o_proj = linear("self_attn.o_proj", d, queries, attention_output);
        let gate_proj = linear("mlp.gate_proj", inner, d, feed_forward);
        let up_proj = linear("mlp.up_proj", inner, d, feed_forward);
        let down_proj = linear("mlp.down_proj", d, inner, feed_forward);
        let mut norm = |name, width| self.norm(&at(name), width, weights);
        let [before_attention, before_feed_forward] = self.norms_before();
        RotaryBlock {
            input_layernorm: norm(before_attention, d),
            feed_forward_norm: norm(before_feed_forward, d),
            output_norms: self.gemma.as_ref().map(|_| {
                let [attention, feed_forward] = NORMS_AFTER;
                (norm(attention, d), norm(feed_forward, d))
            }),
            query_key_norm: self.query_key_norm.then(|| {
                let [query, key] = QUERY_KEY_NORMS;
                (norm(query, self.head_dim), norm(key, self.head_dim))
            }),
            q_proj,
            k_proj,
            v_proj,
            o_proj,
            gate_proj,
            up_proj,
            down_proj,
            activation,
            attention: AttentionKind {
                heads: self.heads,
                key_value_heads: self.key_value_heads,
                head_dim: self.head_dim,
                scale: self
                    .gemma
                    .as_ref()
                    .map_or((self.head_dim as f64).powf(-0.5), |gemma| gemma.query_scale),
                window: self.windows.get(i).copied().flatten(),
                soft_cap: self.gemma.as_ref().and_then(|gemma| gemma.attention_soft_cap),
            },
        }
    }

    fn norms_before(&self) -> [&'static str; 2] {
        if self.gemma.is_some() { GEMMA_NORMS_BEFORE } else { NORMS_BEFORE }
    }
}

const NORMS_BEFORE: [&str; 2] = ["input_layernorm", "post_attention_layernorm"];
const GEMMA_NORMS_BEFORE: [&str; 2] = ["input_layernorm", "pre_feedforward_layernorm"];
const NORMS_AFTER: [&str; 2] = ["post_attention_layernorm", "post_feedforward_layernorm"];
const QUERY_KEY_NORMS: [&str; 2] = ["self_attn.q_norm", "self_attn.k_norm"];

impl Block for RotaryBlock {
    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let attended = self.attend(&self.input_layernorm.forward(x), pass);
        let x = pass.asked_rows(x) + self.after(&attended, |norms| &norms.0);
        let fed = self.feed_forward(&self.feed_forward_norm.forward(&x), pass.train);
        x + self.after(&fed, |norms| &norms.1)
    }

    fn norms(&self) -> Vec<(&'static str, &Norm)> {
        let [before_attention, before_feed_forward] =
            if self.output_norms.is_some() { GEMMA_NORMS_BEFORE } else { NORMS_BEFORE };
        let mut norms =
            vec![(before_attention, &self.input_layernorm), (before_feed_forward, &self.feed_forward_norm)];
        for (names, pair) in [(NORMS_AFTER, &self.output_norms), (QUERY_KEY_NORMS, &self.query_key_norm)] {
            norms.extend(pair.iter().flat_map(|(first, second)| [(names[0], first), (names[1], second)]));
        }
        norms
    }

    block_linears! {
        "self_attn.q_proj" => q_proj,
        "self_attn.k_proj" => k_proj,
        "self_attn.v_proj" => v_proj,
        "self_attn.o_proj" => o_proj,
        "mlp.gate_proj" => gate_proj,
        "mlp.up_proj" => up_proj,
        "mlp.down_proj" => down_proj,
    }
}

impl RotaryBlock {
    /// `[N, D]` to the asked rows `[M, D]`.
    fn attend(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let heads = |projected: Tensor| {
            projected.view([-1, projected.size()[1] / self.attention.head_dim, self.attention.head_dim])
        };
        let mut q = heads(self.q_proj.forward(&pass.asked_rows(x), pass.train)); // [M, heads, head_dim]
        let mut k = heads(self.k_proj.forward(x, pass.train)); // [N, key_value_heads, head_dim]
        let v = heads(self.v_proj.forward(x, pass.train));
        if let Some((query_norm, key_norm)) = &self.query_key_norm {
            (q, k) = (query_norm.forward(&q), key_norm.forward(&k));
        }
        let attended = pass.attend(&pass.rotate_queries(&q), &pass.rotate_keys(&k), &v, &self.attention);
        self.o_proj.forward(&attended, pass.train)
    }

    fn feed_forward(&self, x: &Tensor, train: bool) -> Tensor {
        let (gate, up) = (self.gate_proj.forward(x, train), self.up_proj.forward(x, train));
        let gated = if self.activation.is_silu() {
            crate::native::swiglu(&gate, &up)
        } else {
            self.activation.forward(&gate) * up
        };
        self.down_proj.forward(&gated, train)
    }

    fn after(&self, x: &Tensor, norm: impl Fn(&(Norm, Norm)) -> &Norm) -> Tensor {
        self.output_norms.as_ref().map_or_else(|| x.shallow_clone(), |norms| norm(norms).forward(x))
    }
}
