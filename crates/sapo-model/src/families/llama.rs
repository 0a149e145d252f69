//! Llama: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied or untied head.
//!
//! # Source
//! Touvron et al. 2023 (arXiv 2302.13971, 2307.09288); names as in transformers' `LlamaForCausalLM` checkpoints.

use tch::{Device, Kind, Tensor};

use crate::linear::Linear;
use crate::rope::Rope;
use crate::{LlamaConfig, ModelError, Weights};

/// A Llama decoder.
#[derive(Debug)]
pub struct Llama {
    config: LlamaConfig,
    /// `[vocab, D]`
    embed_tokens: Tensor,
    layers: Vec<DecoderLayer>,
    /// `[D]`
    norm: Tensor,
    /// `[vocab, D]`, absent where the head is the embedding
    lm_head: Option<Tensor>,
    rope: Rope,
}

#[derive(Debug)]
struct DecoderLayer {
    input_layernorm: Tensor,
    self_attn: Attention,
    post_attention_layernorm: Tensor,
    mlp: Mlp,
    rms_norm_eps: f64,
}

#[derive(Debug)]
struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    heads: i64,
    key_value_heads: i64,
    head_dim: i64,
}

#[derive(Debug)]
struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

/// Keys and values of the tokens read so far, one pair `[B, key_value_heads, S, head_dim]` a layer.
#[derive(Debug, Default)]
pub struct KvCache {
    layers: Vec<(Tensor, Tensor)>,
}

/// Which earlier tokens a token may read, and where it stands.
struct Placement<'a> {
    cos_sin: (Tensor, Tensor),
    /// `[B, 1, T, S]`, true where attention is allowed; plain causal attention where absent
    mask: Option<&'a Tensor>,
}

impl Llama {
    /// Takes the weights that `config` asks for out of `weights`.
    ///
    /// # Errors
    /// Lists names that are missing or of a wrong shape.
    pub fn load(
        config: &LlamaConfig,
        weights: &mut Weights,
        kind: Kind,
        device: Device,
    ) -> Result<Self, ModelError> {
        let (d, inner, vocab) = (config.hidden_size, config.intermediate_size, config.vocab_size);
        let (heads, key_value_heads, head_dim) =
            (config.num_attention_heads, config.key_value_heads(), config.head_dim());
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for i in 0..config.num_hidden_layers {
            let at = |name: &str| format!("model.layers.{i}.{name}");
            let mut linear = |name: &str, out: i64, inp: i64, bias: bool| {
                let weight = weights.take(&at(&format!("{name}.weight")), &[out, inp]);
                let bias = bias.then(|| weights.take(&at(&format!("{name}.bias")), &[out]));
                Linear::new(weight, bias)
            };
            let (attention_bias, mlp_bias) = (config.attention_bias, config.mlp_bias);
            let self_attn = Attention {
                q_proj: linear("self_attn.q_proj", heads * head_dim, d, attention_bias),
                k_proj: linear("self_attn.k_proj", key_value_heads * head_dim, d, attention_bias),
                v_proj: linear("self_attn.v_proj", key_value_heads * head_dim, d, attention_bias),
                o_proj: linear("self_attn.o_proj", d, heads * head_dim, attention_bias),
                heads,
                key_value_heads,
                head_dim,
            };
            let mlp = Mlp {
                gate_proj: linear("mlp.gate_proj", inner, d, mlp_bias),
                up_proj: linear("mlp.up_proj", inner, d, mlp_bias),
                down_proj: linear("mlp.down_proj", d, inner, mlp_bias),
            };
            layers.push(DecoderLayer {
                input_layernorm: weights.take(&at("input_layernorm.weight"), &[d]),
                self_attn,
                post_attention_layernorm: weights.take(&at("post_attention_layernorm.weight"), &[d]),
                mlp,
                rms_norm_eps: config.rms_norm_eps,
            });
        }
        let model = Self {
            embed_tokens: weights.take("model.embed_tokens.weight", &[vocab, d]),
            layers,
            norm: weights.take("model.norm.weight", &[d]),
            lm_head: (!config.tie_word_embeddings).then(|| weights.take("lm_head.weight", &[vocab, d])),
            rope: Rope::new(config.rope_theta, head_dim, config.max_position_embeddings, kind, device),
            config: config.clone(),
        };
        Ok(model)
    }

    /// The configuration it was loaded with.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Hidden states of whole sequences under causal attention.
    ///
    /// Sequences shorter than T are padded on the right: no token reads a later one, so padding reaches no result.
    ///
    /// # Shapes
    /// `ids` `[B, T]` to `[B, T, D]`.
    pub fn hidden(&self, ids: &Tensor, train: bool) -> Tensor {
        let length = ids.size()[1];
        let placement = Placement { cos_sin: self.rope.first(length), mask: None };
        self.run(ids, &placement, None, train)
    }

    /// Hidden states of the next tokens after those in `cache`, which grows by them.
    ///
    /// # Shapes
    /// `ids` and `positions` `[B, T]`; `mask` `[B, 1, T, S + T]`, true where attention is allowed; result `[B, T, D]`.
    pub fn hidden_cached(
        &self,
        ids: &Tensor,
        positions: &Tensor,
        mask: &Tensor,
        cache: &mut KvCache,
    ) -> Tensor {
        let placement = Placement { cos_sin: self.rope.at(positions), mask: Some(mask) };
        self.run(ids, &placement, Some(cache), false)
    }

    /// Logits of hidden states: `[.., D]` to `[.., vocab]`.
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        hidden.linear(self.lm_head.as_ref().unwrap_or(&self.embed_tokens), None::<&Tensor>)
    }

    fn run(
        &self,
        ids: &Tensor,
        placement: &Placement,
        mut cache: Option<&mut KvCache>,
        train: bool,
    ) -> Tensor {
        let mut x = Tensor::embedding(&self.embed_tokens, ids, -1, false, false);
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x, &self.rope, placement, cache.as_deref_mut().map(|cache| (cache, i)), train);
        }
        rms_norm(&x, &self.norm, self.config.rms_norm_eps)
    }

    /// Every parameter with its checkpoint name, in a fixed order.
    pub fn named_parameters(&self) -> Vec<(String, &Tensor)> {
        let mut named = vec![("model.embed_tokens.weight".to_string(), &self.embed_tokens)];
        for (i, layer) in self.layers.iter().enumerate() {
            let at = |name: &str| format!("model.layers.{i}.{name}");
            named.push((at("input_layernorm.weight"), &layer.input_layernorm));
            for (name, linear) in layer.linears() {
                named.push((at(&format!("{name}.weight")), &linear.weight));
                if let Some(bias) = &linear.bias {
                    named.push((at(&format!("{name}.bias")), bias));
                }
            }
            named.push((at("post_attention_layernorm.weight"), &layer.post_attention_layernorm));
        }
        named.push(("model.norm.weight".to_string(), &self.norm));
        if let Some(head) = &self.lm_head {
            named.push(("lm_head.weight".to_string(), head));
        }
        named
    }

    /// Every linear projection with its module name (`model.layers.0.self_attn.q_proj`), in a fixed order.
    pub(crate) fn named_linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let mut named = Vec::new();
        for (i, layer) in self.layers.iter_mut().enumerate() {
            for (name, linear) in layer.linears_mut() {
                named.push((format!("model.layers.{i}.{name}"), linear));
            }
        }
        named
    }
}

impl DecoderLayer {
    fn forward(
        &self,
        x: &Tensor,
        rope: &Rope,
        placement: &Placement,
        cache: Option<(&mut KvCache, usize)>,
        train: bool,
    ) -> Tensor {
        let normed = rms_norm(x, &self.input_layernorm, self.rms_norm_eps);
        let x = x + self.self_attn.forward(&normed, rope, placement, cache, train);
        let normed = rms_norm(&x, &self.post_attention_layernorm, self.rms_norm_eps);
        &x + self.mlp.forward(&normed, train)
    }

    fn linears(&self) -> [(&'static str, &Linear); 7] {
        let (attn, mlp) = (&self.self_attn, &self.mlp);
        [
            ("self_attn.q_proj", &attn.q_proj),
            ("self_attn.k_proj", &attn.k_proj),
            ("self_attn.v_proj", &attn.v_proj),
            ("self_attn.o_proj", &attn.o_proj),
            ("mlp.gate_proj", &mlp.gate_proj),
            ("mlp.up_proj", &mlp.up_proj),
            ("mlp.down_proj", &mlp.down_proj),
        ]
    }

    fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 7] {
        let (attn, mlp) = (&mut self.self_attn, &mut self.mlp);
        [
            ("self_attn.q_proj", &mut attn.q_proj),
            ("self_attn.k_proj", &mut attn.k_proj),
            ("self_attn.v_proj", &mut attn.v_proj),
            ("self_attn.o_proj", &mut attn.o_proj),
            ("mlp.gate_proj", &mut mlp.gate_proj),
            ("mlp.up_proj", &mut mlp.up_proj),
            ("mlp.down_proj", &mut mlp.down_proj),
        ]
    }
}

impl Attention {
    fn forward(
        &self,
        x: &Tensor,
        rope: &Rope,
        placement: &Placement,
        cache: Option<(&mut KvCache, usize)>,
        train: bool,
    ) -> Tensor {
        let (batch, length) = (x.size()[0], x.size()[1]);
        let split = |projected: Tensor, heads: i64| {
            projected.view([batch, length, heads, self.head_dim]).transpose(1, 2) // [B, H, T, head_dim]
        };
        let q = split(self.q_proj.forward(x, train), self.heads);
        let k = split(self.k_proj.forward(x, train), self.key_value_heads);
        let v = split(self.v_proj.forward(x, train), self.key_value_heads);
        let q = rope.rotate(&q, &placement.cos_sin);
        let mut k = rope.rotate(&k, &placement.cos_sin);
        let mut v = v;
        if let Some((cache, layer)) = cache {
            (k, v) = cache.extend(layer, k, v);
        }
        let attended = Tensor::scaled_dot_product_attention(
            &q,
            &k,
            &v,
            placement.mask,
            0.0,
            placement.mask.is_none(),
            None,
            self.heads != self.key_value_heads,
        );
        let joined = attended.transpose(1, 2).reshape([batch, length, self.heads * self.head_dim]);
        self.o_proj.forward(&joined, train)
    }
}

impl Mlp {
    fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        self.down_proj
            .forward(&(self.gate_proj.forward(x, train).silu() * self.up_proj.forward(x, train)), train)
    }
}

impl KvCache {
    /// Appends keys and values `[B, H, T, head_dim]` of one layer and returns all of them.
    fn extend(&mut self, layer: usize, k: Tensor, v: Tensor) -> (Tensor, Tensor) {
        let all = match self.layers.get(layer) {
            Some((old_k, old_v)) => (Tensor::cat(&[old_k, &k], 2), Tensor::cat(&[old_v, &v], 2)),
            None => (k, v),
        };
        let kept = (all.0.shallow_clone(), all.1.shallow_clone());
        if layer < self.layers.len() {
            self.layers[layer] = kept;
        } else {
            self.layers.push(kept);
        }
        all
    }

    /// Keeps the given sequences of the batch only.
    pub fn keep(&mut self, rows: &Tensor) {
        for (k, v) in &mut self.layers {
            *k = k.index_select(0, rows);
            *v = v.index_select(0, rows);
        }
    }
}

/// `x / rms(x) * weight` over the last dimension.
fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Tensor {
    x.rms_norm(weight.size(), Some(weight), eps)
}
